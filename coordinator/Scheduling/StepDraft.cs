using Pipeline.Shared.Batching;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>A microbatch while it is being filled.</summary>
internal sealed class StepDraft(int maxTokens)
{
    /// <summary>
    /// Numbers of bookkeeping after which nothing more is begun, so that a step, with one more start of whatever size, stays below
    /// what a message between stages may take: a few of the longest prefixes, or a hundred ordinary ones.
    /// </summary>
    public const int NumbersToBeginBelow = 1 << 19;

    private readonly List<SequenceSlice> _slices = [];
    private int _numbers;
    private readonly List<Sequence> _sequences = [];

    public IReadOnlyList<SequenceSlice> Slices => _slices;

    /// <summary>The sequence of each slice.</summary>
    public IReadOnlyList<Sequence> Sequences => _sequences;

    /// <summary>Tokens that still fit.</summary>
    public int Room { get; private set; } = maxTokens;

    public int PrefillTokens { get; private set; }

    /// <summary>Its bookkeeping leaves no room for another prompt, however few tokens that has.</summary>
    public bool IsCrowded => _numbers >= NumbersToBeginBelow;

    public void AddDecode(Sequence sequence) => Add(sequence, 1);

    public void AddPrefill(Sequence sequence, int count)
    {
        Add(sequence, count);
        PrefillTokens += count;
    }

    private void Add(Sequence sequence, int count)
    {
        var slice = sequence.Send(count);
        _slices.Add(slice);
        _numbers += slice.NumberCount;
        _sequences.Add(sequence);
        Room -= count;
    }
}
