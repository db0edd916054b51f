namespace Pipeline.Model.CudaKernels;

/// <summary>
/// Where a step's numbers lie in its one block of 32-bit words, so that one copy brings them all to the device. Depends on
/// counts alone: steps of the same counts find everything at the same place, which is what recorded graphs need.
/// </summary>
public sealed class StepSections
{
    /// <summary>Words of one row's sampling parameters (sampling.cu).</summary>
    public const int ChoiceWords = 16;

    /// <summary>Words of one prefill tile (prefill_attention.cu).</summary>
    public const int TileWords = 4;

    /// <summary>Words of the step's slots: two addresses and a count (hops.cu).</summary>
    public const int HopWords = 6;

    private const int Alignment = 4; // words: 16 bytes

    /// <param name="tableWords">Of each cache group, the words of its block tables.</param>
    public StepSections(int rows, int segments, int decodeRows, int tiles, int choices, IReadOnlyList<int> tableWords)
    {
        var next = 0;
        Tokens = Take(rows);
        Positions = Take(rows);
        Segments = Take(rows);
        DecodeRows = Take(decodeRows);
        Tiles = Take(tiles * TileWords);
        Choices = Take(choices * ChoiceWords);
        Hop = Take(HopWords);
        Slots = new int[tableWords.Count];
        TableOffsets = new int[tableWords.Count];
        Tables = new int[tableWords.Count];
        for (var group = 0; group < tableWords.Count; group++)
        {
            Slots[group] = Take(rows);
            TableOffsets[group] = Take(segments);
            Tables[group] = Take(tableWords[group]);
        }

        Words = next;

        int Take(int words)
        {
            var at = next;
            next += (words + Alignment - 1) / Alignment * Alignment;
            return at;
        }
    }

    public int Tokens { get; }

    public int Positions { get; }

    /// <summary>Segment of each row.</summary>
    public int Segments { get; }

    /// <summary>Rows that are the only one of their segment; -1 for padding.</summary>
    public int DecodeRows { get; }

    public int Tiles { get; }

    public int Choices { get; }

    /// <summary>Where the step's hidden states come from and go to on devices.</summary>
    public int Hop { get; }

    /// <summary>By cache group: slot of each row of a prompt chunk, -1 for single queries, which find theirs themselves.</summary>
    public int[] Slots { get; }

    /// <summary>By cache group: where each segment's table begins.</summary>
    public int[] TableOffsets { get; }

    /// <summary>By cache group.</summary>
    public int[] Tables { get; }

    public int Words { get; }
}
