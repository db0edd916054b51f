using Pipeline.Coordinator.Benchmarking;
using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary>A load test and what it gave.</summary>
/// <param name="Environment">Of the load generator; the server may be anywhere.</param>
/// <param name="PromptForm">What random prompts were sent as.</param>
/// <param name="VocabularySize">Random token ids were below this; null for other prompts.</param>
internal sealed record LoadReport(
    BenchmarkEnvironment Environment,
    Uri Server,
    string Model,
    PromptForm PromptForm,
    int? VocabularySize,
    LoadSettings Settings,
    RequestFields Fields,
    ServiceLevel? Goodput,
    LoadResult Result)
{
    /// <summary>What a reader has to know beside the numbers.</summary>
    public IEnumerable<string> Notes()
    {
        yield return $"{Server}, model {Model}";
        yield return PromptForm switch
        {
            PromptForm.TokenIds => $"prompts: random token ids below {VocabularySize}",
            PromptForm.Words => "prompts: random words, about one token each; input tokens are as the server counted them, or words",
            _ => "prompts: out of the file",
        };
        if (Result.CountedHere > 0)
        {
            yield return $"the server did not count the output of {Result.CountedHere} request(s): their tokens are pieces of text that came";
        }

        foreach (var failure in Result.Failures)
        {
            var status = failure.Status is { } code ? $" {code}" : "";
            var wait = failure.RetryAfterSeconds is { } seconds ? $", Retry-After up to {seconds:0.#} s" : "";
            yield return $"{failure.Count} request(s) {Name(failure.Kind)}{status}{wait}: {failure.Example.ReplaceLineEndings(" ")}";
        }
    }

    private static string Name(FailureKind kind) => kind switch
    {
        FailureKind.Unreachable => "without a connection",
        FailureKind.HttpStatus => "refused with HTTP",
        FailureKind.Throttled => "throttled with HTTP",
        FailureKind.BrokenStream => "with a broken stream",
        FailureKind.MissingDone => "without the last event",
        FailureKind.MalformedEvent => "with a malformed event",
        FailureKind.ServerError => "with an error in the stream",
        FailureKind.Timeout => "timed out",
        _ => "interrupted",
    };
}
