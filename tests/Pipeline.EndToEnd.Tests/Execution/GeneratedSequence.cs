using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Sampling;

namespace Pipeline.EndToEnd.Tests.Execution;

/// <summary>Everything that came of one sequence.</summary>
internal sealed record GeneratedSequence(IReadOnlyList<int> Tokens, float[] PromptLogprobs, float[] Logits, FinishReason? FinishReason)
{
    public static async Task<GeneratedSequence> ReadAsync(SequenceFeed feed)
    {
        List<SequenceUpdate> updates = [];
        await foreach (var update in feed.Updates.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            updates.Add(update);
        }

        return new GeneratedSequence(
            [.. updates.Where(update => update is { Token: not null, IsStopToken: false }).Select(update => update.Token!.Token)],
            [.. updates.SelectMany(update => update.PromptLogprobs.ToArray())],
            [.. updates.SelectMany(update => update.RawLogits.ToArray())],
            updates[^1].FinishReason);
    }

    /// <summary>All of them at once, results in the order of the requests.</summary>
    public static async Task<IReadOnlyList<GeneratedSequence>> RunAsync(PipelineLoop loop, IEnumerable<SequenceRequest> requests) =>
        await Task.WhenAll(requests.Select(loop.Submit).ToList().Select(ReadAsync));
}
