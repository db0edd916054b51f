namespace Pipeline.Coordinator.Scheduling;

/// <summary>How many microbatches to keep in the pipe.</summary>
public static class MicrobatchCount
{
    /// <summary>
    /// The fewest that keep every device busy: one each. Stages on one device share it. More would only read the weights more often, and there is no use in more
    /// than there are pieces of work that can be under way at once: decoding sequences, or chunks of the longest prompt.
    /// </summary>
    public static int Choose(int devices, int maxSequences, int maxChunksPerPrompt)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(devices, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSequences, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxChunksPerPrompt, 1);
        return Math.Min(devices, Math.Max(maxSequences, maxChunksPerPrompt));
    }
}
