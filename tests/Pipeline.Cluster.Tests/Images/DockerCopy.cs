namespace Pipeline.Cluster.Tests.Images;

/// <summary>A COPY of a Dockerfile.</summary>
/// <param name="Stage">The stage that it copies from; null for the repository.</param>
internal sealed record DockerCopy(string? Stage, IReadOnlyList<string> Sources, string Target)
{
    private const string From = "--from=";

    public static DockerCopy Parse(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var stage = words[0].StartsWith(From, StringComparison.Ordinal) ? words[0][From.Length..] : null;
        return new DockerCopy(stage, words[(stage is null ? 0 : 1)..^1], words[^1]);
    }
}
