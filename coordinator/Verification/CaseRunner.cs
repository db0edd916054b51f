using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Verification;

/// <summary>Runs all cases through a pipeline at the same time, packed together as far as the scheduler's limits allow.</summary>
public sealed class CaseRunner(IStage pipeline, SchedulerOptions options, KvCacheSpec cache, int vocabularySize)
{
    /// <summary>What the pipeline said, in the order of the cases; the stream of steps is closed when it returns.</summary>
    public async Task<IReadOnlyList<CaseOutput>> RunAsync(IReadOnlyList<VerificationCase> cases, CancellationToken cancellationToken)
    {
        await using var loop = new PipelineLoop(new Scheduler(options, cache), pipeline);
        var feeds = loop.SubmitAll([.. cases.Select(RequestOf)]);
        var outputs = await Task.WhenAll(cases.Zip(feeds, (item, feed) => ReadAsync(item, feed, cancellationToken)));
        await loop.CompleteAsync();
        return outputs;
    }

    private static SequenceRequest RequestOf(VerificationCase item) => new()
    {
        Prompt = item.Prompt,
        MaxTokens = item.MaxTokens,
        Sampling = new SamplingParams { Temperature = 0 },
        IgnoreEos = true,
        RawLogits = true,
    };

    private async Task<CaseOutput> ReadAsync(VerificationCase item, SequenceFeed feed, CancellationToken cancellationToken)
    {
        var tokens = new List<int>(item.MaxTokens);
        var logits = new List<float>(item.Rows * vocabularySize);
        await foreach (var update in feed.Updates.ReadAllAsync(cancellationToken))
        {
            logits.AddRange(update.RawLogits.Span);
            if (update.Token is { } token)
            {
                tokens.Add(token.Token);
            }
        }

        return tokens.Count == item.MaxTokens && logits.Count == item.Rows * vocabularySize
            ? new CaseOutput(tokens, [.. logits], vocabularySize)
            : throw new StageException(
                StageError.Malformed, $"{item.Name} brought {tokens.Count} tokens and {logits.Count} logits, expected {item.MaxTokens} tokens and {item.Rows} rows of {vocabularySize}");
    }
}
