using Pipeline.Model.Caching;

namespace Pipeline.Model.CudaKernels;

/// <summary>What of a step decides which kernels run, and with what grids.</summary>
/// <param name="Rows">Rows computed: those of the step, or the bucket that it is padded to.</param>
/// <param name="DecodeRows">Segments that decode, padding included: they look at keys while others of the step are written.</param>
/// <param name="Tiles">Tiles of the other segments, which come after all keys: segment, first row, rows, first position.</param>
internal sealed record StepShape(int Rows, int DecodeRows, IReadOnlyList<(int Segment, int FirstRow, int Rows, int FirstPosition)> Tiles)
{
    /// <summary>Queries of a prefill tile (prefill_attention.cu, prefill_attention_hopper.cu).</summary>
    public const int TileRows = 128;

    public static StepShape Of(StepLayout layout, int? bucket)
    {
        var tiles = new List<(int Segment, int FirstRow, int Rows, int FirstPosition)>();
        var decodeRows = 0;
        for (var s = 0; s < layout.Segments.Count; s++)
        {
            var segment = layout.Segments[s];
            if (segment.IsDecode)
            {
                decodeRows++;
                continue;
            }

            for (var done = 0; done < segment.RowCount; done += TileRows)
            {
                tiles.Add((s, segment.FirstRow + done, Math.Min(TileRows, segment.RowCount - done), segment.FirstPosition + done));
            }
        }

        // The last queries see most keys: they begin first, so that no long tile is left at the end.
        tiles.Sort((a, b) => b.FirstPosition.CompareTo(a.FirstPosition));
        return new StepShape(bucket ?? layout.Rows, bucket ?? decodeRows, tiles);
    }
}
