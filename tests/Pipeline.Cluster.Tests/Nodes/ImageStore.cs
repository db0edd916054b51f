using System.Collections.Concurrent;
using Pipeline.Cluster.Tests.Images;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>
/// The images of this repository, without a daemon to build them: the programs are published by the command of the Dockerfile, out of
/// what the tests' own build has made, and lie where the Dockerfile copies them.
/// </summary>
internal static class ImageStore
{
    private static readonly ConcurrentDictionary<string, Task<ContainerImage>> Images = new();

    /// <param name="reference">As in a manifest, for instance <c>pipeline-coordinator:dev</c>.</param>
    public static Task<ContainerImage> GetAsync(string reference) => Images.GetOrAdd(reference.Split(':')[0], BuildAsync);

    private static async Task<ContainerImage> BuildAsync(string repository)
    {
        var name = repository["pipeline-".Length..];
        var file = Dockerfile.Read(name);
        var published = Path.Combine(AppContext.BaseDirectory, "images", name);
        await ProgramRun.OutputOfAsync("dotnet", PublishCommand(file, published));
        var folders = new Dictionary<string, string>();
        foreach (var copy in file.FinalCopies)
        {
            // Native libraries are moved into a layer of their own and copied to the same place: here they never left it.
            folders[copy.Target.TrimEnd('/')] = copy.Stage is null ? Repository.At(copy.Sources[0].TrimEnd('/')) : published;
        }

        return new ContainerImage(file, folders);
    }

    /// <summary>The Dockerfile's own, but for what is built already and for copies of half a gigabyte.</summary>
    private static string[] PublishCommand(Dockerfile file, string target)
    {
        var line = file.LinesOf("build").Single(line => line.Instruction == "RUN" && line.Text.StartsWith("dotnet publish ", StringComparison.Ordinal)).Text;
        var words = line["dotnet ".Length..].Split(' ').ToList();
        words[1] = Repository.At(words[1]);
        words[words.IndexOf("-o") + 1] = target;
        words[words.IndexOf("-c") + 1] = "Debug";
        words[words.IndexOf("--no-restore")] = "--no-build";
        return [.. words, "-p:CreateHardLinksForPublishFilesIfPossible=true"];
    }
}
