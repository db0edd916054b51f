using System.ComponentModel;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Serving;

/// <summary>The official npm client, unmodified. What it is to do stands in <c>tests/fixtures/npm-client</c>.</summary>
public sealed class NpmClientTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "npm-client");

    [Fact]
    public async Task EveryCheck_Succeeds()
    {
        await InstallAsync();

        var run = await ProgramRun.Of("node", Path.Combine(Folder, "client.mjs"), new Uri(shared.Server.Address, "/v1").ToString(), CoordinatorServer.Model);

        Assert.True(run.ExitCode == 0, $"{run.Output}\n{run.Error}");
        Assert.Equal(8, run.Output.Split('\n').Count(line => line.StartsWith("ok ", StringComparison.Ordinal)));
        await shared.Server.WaitUntilIdleAsync();
        Assert.Equal(1, shared.Server.Metrics("vllm:request_success_total", "\"abort\""));
    }

    /// <summary>Beside the tests' program, so once for each build folder.</summary>
    private static async Task InstallAsync()
    {
        Directory.CreateDirectory(Folder);
        foreach (var name in new[] { "package.json", "package-lock.json", "client.mjs" })
        {
            File.Copy(Fixtures.At("npm-client", name), Path.Combine(Folder, name), overwrite: true);
        }

        if (Directory.Exists(Path.Combine(Folder, "node_modules", "openai")))
        {
            return;
        }

        try
        {
            var install = await ProgramRun.Of("npm", "ci", "--prefix", Folder, "--no-audit", "--no-fund", "--ignore-scripts");
            Assert.SkipWhen(install.ExitCode != 0, $"the client cannot be installed here: {install.Error}");
        }
        catch (Win32Exception)
        {
            Assert.Skip("there is no node on this machine");
        }
    }
}
