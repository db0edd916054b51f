using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Coordinator.Cli;
using Pipeline.StageWorker.Hosting;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>The programs' own parsers take the arguments that their containers are given.</summary>
internal static class ProgramArguments
{
    public static IEnumerable<string> Complaints(ManifestSet set) =>
        from source in set.PodSources
        from container in source.Spec.Containers
        let arguments = Variables.Setup(set, container).Arguments
        let error = container.Image.StartsWith("pipeline-stage-worker", StringComparison.Ordinal) ? OfWorker(arguments) : OfCoordinator(arguments)
        where error is not null
        select $"{source.Owner}, {container.Name}: {error}";

    private static string? OfCoordinator(IReadOnlyList<string> arguments)
    {
        var parsed = new CoordinatorApp(new Terminal(TextWriter.Null, TextWriter.Null)).Root.Parse(arguments);
        return parsed.Errors.Count > 0 || parsed.UnmatchedTokens.Count > 0 ? UsageErrors.Describe(parsed) : null;
    }

    private static string? OfWorker(IReadOnlyList<string> arguments) => WorkerCommand.Create().Parse(arguments).Errors is [var error, ..] ? error.Message : null;
}
