using Pipeline.Model.Caching;
using Pipeline.Model.CudaKernels;
using Pipeline.Shared.Batching;
using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;

namespace Pipeline.Model.Tests.CudaKernels;

public class StepShapeTests
{
    /// <summary>Decode rows look at keys before all of the step's keys are written. One row behind a prefix that another sequence computes in this step must not be among them.</summary>
    [Fact]
    public void Of_OneRowBehindACachedPrefix_IsATile()
    {
        var spec = CacheSpecs.For(TinyModels.Dense, blockSize: 4, maxChunk: 16, maxLength: 64, sequences: 4);
        var table = new SequenceTable(TinyModels.Dense, spec, new PlanEpoch(1), maxBatchTokens: 64);
        var writer = new MicrobatchWriter(spec, seed: 1);
        table.Admit(writer.Next(new PlannedSlice(1, [1, 2, 3])));
        var step = writer.Next(new PlannedSlice(1, [4]), new PlannedSlice(2, [1, 2, 3, 4, 5]), new PlannedSlice(3, [6]));
        var layout = table.Admit(step with { Slices = [step.Slices[0], PrefixSharing.Behind(step.Slices[1], cached: 4), step.Slices[2]] });
        Assert.Equal([true, false, true], layout.Segments.Select(segment => segment.IsDecode));
        var shape = StepShape.Of(layout, null);
        Assert.Equal(2, shape.DecodeRows);
        Assert.Equal([(1, 1, 1, 4)], shape.Tiles);
    }
}
