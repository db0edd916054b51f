using Pipeline.Shared.Batching;

namespace Pipeline.Model.Caching;

/// <summary>
/// Where every row of a step belongs, as plain numbers: positions for the rotation, slots to write to, block tables to read
/// from. The same for every implementation of the kernels.
/// </summary>
public sealed class StepLayout
{
    public required Microbatch Microbatch { get; init; }

    /// <summary>One per slice, in order.</summary>
    public required IReadOnlyList<StepSegment> Segments { get; init; }

    /// <summary>Token of each row.</summary>
    public required int[] Tokens { get; init; }

    /// <summary>Absolute position of each row within its own sequence.</summary>
    public required int[] Positions { get; init; }

    /// <summary>Segment of each row.</summary>
    public required int[] SegmentOfRow { get; init; }

    /// <summary>One per cache group.</summary>
    public required IReadOnlyList<GroupLayout> Groups { get; init; }

    public int Rows => Tokens.Length;
}
