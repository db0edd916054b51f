using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>A language model of five tokens: everything it says is a hash of all tokens so far, so any wrong history shows at once.</summary>
internal static class ToyModel
{
    public const int Vocabulary = 5;

    public static int NextToken(ReadOnlySpan<int> history, int generated, SamplingParams sampling)
    {
        var token = (int)(Hash(history) % Vocabulary);
        while (generated < sampling.MinTokens && sampling.StopTokenIds.Contains(token))
        {
            token = (token + 1) % Vocabulary;
        }

        return token;
    }

    public static float Logprob(ReadOnlySpan<int> history, int next) => -(float)((Hash(history) + (uint)next) % 10007);

    public static float[] Logits(ReadOnlySpan<int> history)
    {
        var hash = Hash(history);
        return [.. Enumerable.Range(0, Vocabulary).Select(token => (float)((hash + (uint)(token * 7919)) % 10007))];
    }

    private static uint Hash(ReadOnlySpan<int> history)
    {
        var hash = 2166136261u;
        foreach (var token in history)
        {
            hash = (hash ^ (uint)(token + 1)) * 16777619u;
            hash ^= hash >> 15;
        }

        return hash;
    }
}
