using System.ComponentModel;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Serving;

/// <summary>A script for node with the packages it needs, from a folder of <c>tests/fixtures</c>.</summary>
/// <param name="name">The folder.</param>
/// <param name="script">The script in it.</param>
/// <param name="package">The one package that it needs.</param>
internal sealed class NodeScript(string name, string script, string package)
{
    private readonly string _folder = Path.Combine(AppContext.BaseDirectory, name);

    /// <summary>Installs what is needed, at its first call; the test is skipped where that cannot be.</summary>
    public async Task<ProgramRun> RunAsync(params string[] arguments)
    {
        await InstallAsync();
        return await ProgramRun.Of("node", [Path.Combine(_folder, script), .. arguments]);
    }

    /// <summary>Beside the tests' program, so once for each build folder.</summary>
    private async Task InstallAsync()
    {
        Directory.CreateDirectory(_folder);
        foreach (var file in new[] { "package.json", "package-lock.json", script })
        {
            File.Copy(Fixtures.At(name, file), Path.Combine(_folder, file), overwrite: true);
        }

        if (Directory.Exists(Path.Combine(_folder, "node_modules", package)))
        {
            return;
        }

        try
        {
            var install = await ProgramRun.Of("npm", "ci", "--prefix", _folder, "--no-audit", "--no-fund", "--ignore-scripts");
            Assert.SkipWhen(install.ExitCode != 0, $"{package} cannot be installed here: {install.Error}");
        }
        catch (Win32Exception)
        {
            Assert.Skip("there is no node on this machine");
        }
    }
}
