using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>Microbatches and updates in the words of the scripts.</summary>
internal static class ScriptText
{
    public static IEnumerable<string> Of(Microbatch microbatch)
    {
        yield return $"step {microbatch.Step} {microbatch.Id}, {microbatch.TokenCount} tokens";
        foreach (var slice in microbatch.Slices)
        {
            yield return $"  {string.Join(", ", Parts(slice))}";
        }

        if (microbatch.Released.Count > 0)
        {
            yield return $"  released {string.Join(" ", microbatch.Released)}";
        }
    }

    public static string Of(SequenceUpdate update) => $"  {string.Join(", ", Parts(update))}";

    private static IEnumerable<string> Parts(SequenceSlice slice)
    {
        var last = slice.FirstPosition + slice.Tokens.Length - 1;
        yield return $"{slice.Sequence} {(last == slice.FirstPosition ? "" : $"{slice.FirstPosition}..")}{last}";
        if (slice.Start is { } start)
        {
            yield return $"start (prompt {start.PromptLength}{(start.CachedPrefix.Length > 0 ? $", {start.CachedPrefix.Length} cached" : "")})";
        }

        if (slice.Logits != LogitsRequest.None)
        {
            yield return slice.NextToken is { } next ? $"{slice.Logits} next {next}" : $"{slice.Logits}";
        }

        if (slice.BlockUpdates.Count > 0)
        {
            yield return $"blocks {string.Join(" ", slice.BlockUpdates.Select(Of))}";
        }
    }

    private static string Of(BlockUpdate update) => $"{(update.Group == 0 ? "" : $"group{update.Group}:")}{update.Index}={update.Block}";

    private static IEnumerable<string> Parts(SequenceUpdate update)
    {
        yield return $"{update.Sequence}";
        if (update.Token is { } token)
        {
            yield return $"{(update.IsStopToken ? "stop token" : "token")} {token.Token}";
        }

        if (!update.PromptLogprobs.IsEmpty)
        {
            yield return $"{update.PromptLogprobs.Length} prompt logprobs";
        }

        if (!update.RawLogits.IsEmpty)
        {
            yield return $"{update.RawLogits.Length / 10} rows of raw logits";
        }

        if (update.CachedPromptTokens > 0)
        {
            yield return $"{update.CachedPromptTokens} of the prompt were cached";
        }

        if (update.FinishReason is { } reason)
        {
            yield return $"finished: {reason}";
        }
    }
}
