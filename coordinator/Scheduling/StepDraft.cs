using Pipeline.Shared.Batching;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>A microbatch while it is being filled.</summary>
internal sealed class StepDraft(int maxTokens)
{
    private readonly List<SequenceSlice> _slices = [];
    private readonly List<Sequence> _sequences = [];

    public IReadOnlyList<SequenceSlice> Slices => _slices;

    /// <summary>The sequence of each slice.</summary>
    public IReadOnlyList<Sequence> Sequences => _sequences;

    /// <summary>Tokens that still fit.</summary>
    public int Room { get; private set; } = maxTokens;

    public int PrefillTokens { get; private set; }

    public void AddDecode(Sequence sequence) => Add(sequence, 1);

    public void AddPrefill(Sequence sequence, int count)
    {
        Add(sequence, count);
        PrefillTokens += count;
    }

    private void Add(Sequence sequence, int count)
    {
        _slices.Add(sequence.Send(count));
        _sequences.Add(sequence);
        Room -= count;
    }
}
