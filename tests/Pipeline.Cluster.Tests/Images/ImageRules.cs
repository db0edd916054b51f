namespace Pipeline.Cluster.Tests.Images;

/// <summary>What can be said of a Dockerfile without a daemon to build it.</summary>
internal static class ImageRules
{
    private const string User = "1654:1654";
    private static readonly string[] Labels = ["title", "description", "licenses", "version"];

    public static IReadOnlyList<string> Complaints(Dockerfile file, DockerIgnore ignore) =>
    [
        .. from copy in file.ContextCopies
           from source in copy.Sources
           where !Path.Exists(Repository.At(source))
           select $"copies {source}, which does not exist",
        .. from copy in file.ContextCopies
           from source in copy.Sources
           where !ignore.Lets(source)
           select $"copies {source}, which .dockerignore leaves out",
        .. from copy in file.FinalCopies where copy.Stage is not null && !file.StageNames.Contains(copy.Stage) select $"copies from {copy.Stage}, which is no stage",
        .. file.BaseImage == "mcr.microsoft.com/dotnet/aspnet:10.0-noble" ? Array.Empty<string>() : [$"stands on {file.BaseImage}, not on .NET 10 for Ubuntu 24.04"],
        .. file.User == User ? Array.Empty<string>() : [$"runs as {file.User ?? "root"}, not as {User}"],
        .. from label in Labels where !file.Labels.ContainsKey($"org.opencontainers.image.{label}") select $"has no label {label}",
        .. file.HealthCommand is { Count: > 0 } ? Array.Empty<string>() : ["does not say how its health is asked for"],
        .. file.Entrypoint is ["dotnet", ..] ? Array.Empty<string>() : ["has no program to start"],
    ];
}
