using Pipeline.Model.Checkpoints;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests;

public class ModelShardLoaderTests
{
    private static readonly ModelConfig Config = TinyModels.Sparse.WithLayers(3);
    private static readonly ShardAssignment Whole = new(0, 1, new LayerRange(0, 3));

    /// <summary>Wherever a load breaks off, nothing of it stays in memory.</summary>
    [Theory]
    [MemberData(nameof(FailingReads))]
    public void Load_SourceFails_GivesEverythingBack(string kernels, int read)
    {
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using var source = new FailingSource(new MemoryWeights(new RandomWeights(Config, 1), Whole), read, () => throw new IOException("disk gone"));
        Assert.Throws<IOException>(() => Load(kernels, source, CancellationToken.None));
        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Load_Cancelled_StopsBetweenLayers(string kernels)
    {
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using var stop = new CancellationTokenSource();
        using var source = new FailingSource(new MemoryWeights(new RandomWeights(Config, 1), Whole), 4, stop.Cancel);
        Assert.ThrowsAny<OperationCanceledException>(() => Load(kernels, source, stop.Token));
        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.True(source.Reads < source.Slots.Count);
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Load_AnyShard_TakesItsTensorsInOrderAndFinishes(string kernels)
    {
        foreach (var assignment in ShardPlan.FromLayerCounts([1, 1, 1]).Shards)
        {
            using var source = new FailingSource(new MemoryWeights(new RandomWeights(Config, 1), assignment), -1, () => { });
            using var shard = ModelShardLoader.Load(Config, assignment, source, KernelSelection.Create(kernels, Config, ElementType.Float32, torch.CPU, 1), CancellationToken.None);
            Assert.True(source.IsFinished);
        }
    }

    [Fact]
    public void Create_UnknownKernels_NamesTheKnownOnes()
    {
        var failure = Assert.Throws<ArgumentException>(() => KernelSelection.Create("gpu", Config, ElementType.Float32, torch.CPU, 1));
        Assert.Contains("'gpu'", failure.Message, StringComparison.Ordinal);
        Assert.Contains("torch", failure.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, int> FailingReads() => KernelSets.With([0, 1, 2, 4, 8, 20, 40, 55]);

    private static void Load(string kernels, IWeightSource source, CancellationToken cancellationToken) =>
        ModelShardLoader.Load(Config, Whole, source, KernelSelection.Create(kernels, Config, ElementType.Float32, torch.CPU, 1), cancellationToken).Dispose();

    /// <summary>Does something of its own before one of the reads.</summary>
    private sealed class FailingSource(MemoryWeights inner, int read, Action interrupt) : IWeightSource
    {
        public int Reads { get; private set; }

        public bool IsFinished { get; private set; }

        public IReadOnlyList<TensorSlot> Slots => inner.Slots;

        public long TotalBytes => inner.TotalBytes;

        public TensorShape ShapeOf(TensorSlot slot) => inner.ShapeOf(slot);

        public ElementType TypeOf(TensorSlot slot) => inner.TypeOf(slot);

        public void CopyRows(TensorSlot slot, long rowStart, long rowCount, Span<byte> destination, ElementType destinationType)
        {
            if (Reads++ == read)
            {
                interrupt();
            }

            inner.CopyRows(slot, rowStart, rowCount, destination, destinationType);
        }

        public void Finish()
        {
            inner.Finish();
            IsFinished = true;
        }

        public void Dispose() => inner.Dispose();
    }
}
