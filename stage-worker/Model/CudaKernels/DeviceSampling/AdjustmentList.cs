using Pipeline.Model.Caching;

namespace Pipeline.Model.CudaKernels.DeviceSampling;

/// <summary>
/// What penalties, bias and minimum lengths change in a step's logits, written as a list for the device. The host knows every
/// sequence's tokens, so nothing has to be kept on the device between steps: after a preemption, an import or a cached prefix
/// the list is what it would have been. It costs 8 bytes for each distinct token that a row's penalties look at.
/// </summary>
/// <param name="entries">Where the list is written.</param>
public ref struct AdjustmentList(Span<ScoreAdjustment> entries)
{
    private readonly Span<ScoreAdjustment> _entries = entries;

    /// <summary>Entries written so far.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a row; false, and nothing changed, when the list would become too long.</summary>
    public bool TryAdd(SequenceState sequence, out AdjustmentRange range)
    {
        var parameters = sequence.Start.Sampling;
        var counts = parameters is { RepetitionPenalty: 1, PresencePenalty: 0, FrequencyPenalty: 0 } ? [] : sequence.CountTokens();
        var generated = sequence.Length - Math.Min(sequence.Start.PromptLength, sequence.Length);
        var banned = generated < parameters.MinTokens ? parameters.StopTokenIds : [];
        range = default;
        if (Count + (long)counts.Length + parameters.LogitBias.Count + banned.Count > _entries.Length)
        {
            return false;
        }

        var seen = Count;
        foreach (var (token, times) in counts)
        {
            _entries[Count++] = new ScoreAdjustment(token, times);
        }

        var biased = Count;
        foreach (var (token, bias) in parameters.LogitBias)
        {
            _entries[Count++] = new ScoreAdjustment(token, BitConverter.SingleToInt32Bits(bias));
        }

        var firstBanned = Count;
        foreach (var token in banned)
        {
            _entries[Count++] = new ScoreAdjustment(token, 0);
        }

        range = new AdjustmentRange(seen, biased, firstBanned, Count);
        return true;
    }
}
