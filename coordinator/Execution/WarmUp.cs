using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Execution;

/// <summary>
/// A few tokens through the whole pipeline before anybody waits for it: opens the streams between the stages, and has the
/// code of prefill and decode compiled and the libraries set up on every stage.
/// </summary>
public static class WarmUp
{
    private const int PromptTokens = 8;
    private const int GeneratedTokens = 3;

    /// <param name="token">Any id of the vocabulary.</param>
    /// <param name="maxModelLength">Tokens that a sequence may have at most; if they are too few for a decode step, it is left out.</param>
    public static async Task RunAsync(PipelineLoop loop, int token, int maxModelLength, CancellationToken cancellationToken)
    {
        var prompt = Math.Clamp(maxModelLength - GeneratedTokens, 1, PromptTokens);
        var feed = loop.Submit(new SequenceRequest
        {
            Prompt = [.. Enumerable.Repeat(token, prompt)],
            MaxTokens = Math.Min(GeneratedTokens, maxModelLength - prompt),
            Sampling = new SamplingParams { Temperature = 0 },
            IgnoreEos = true,
        });
        try
        {
            await foreach (var _ in feed.Updates.ReadAllAsync(cancellationToken))
            {
            }
        }
        finally
        {
            loop.Cancel(feed.Id);
        }
    }
}
