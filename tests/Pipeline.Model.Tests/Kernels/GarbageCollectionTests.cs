using Pipeline.Shared.Batching;
using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;

namespace Pipeline.Model.Tests.Kernels;

/// <summary>
/// Native code works on memory whose managed owners may already look dead. A collector that never rests finds every place where
/// an owner is not kept alive until the call returns.
/// </summary>
public class GarbageCollectionTests
{
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Step_UnderConstantCollections_GivesTheSameBits(string kernels)
    {
        var config = TinyModels.Sparse.WithLayers(2);
        var spec = CacheSpecs.For(config, blockSize: 4, maxChunk: 4, maxLength: 400, sequences: 1);
        using var calm = new ShardChain(new RandomWeights(config, seed: 1), spec, kernels);
        using var pressed = new ShardChain(new RandomWeights(config, seed: 1), spec, kernels);
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        var expected = Feed(calm);
        collector.Start();
        try
        {
            Assert.Equal(expected, Feed(pressed));
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }

    private static float[][] Feed(ShardChain chain) =>
        [.. Enumerable.Range(0, 200).Select(step => chain.Step(new PlannedSlice(1, [step % 97], LogitsRequest.Raw))[0].Logits!)];
}
