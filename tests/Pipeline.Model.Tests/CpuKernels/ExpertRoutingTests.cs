using Pipeline.Model.CpuKernels;

namespace Pipeline.Model.Tests.CpuKernels;

public unsafe class ExpertRoutingTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 2)]
    [InlineData(8, 2)]
    [InlineData(40, 16)]
    public void Select_OnRandomLogits_TakesTheLargestAndTheirSoftmax(int experts, int chosen)
    {
        const int rows = 50;
        var logits = new Random(experts).Normal(rows * experts, 4);
        using var hosts = new KernelHosts();
        var weights = hosts.RunEverywhere(threads => Select(logits, rows, experts, chosen, threads).Weights);
        var ids = Select(logits, rows, experts, chosen, hosts.One).Ids;
        for (var row = 0; row < rows; row++)
        {
            var best = Enumerable.Range(0, experts).OrderByDescending(expert => logits[(row * experts) + expert]).Take(chosen).ToArray();
            Assert.Equal(best, ids[(row * chosen)..((row + 1) * chosen)]);
            var exps = best.Select(expert => Math.Exp(logits[(row * experts) + expert])).ToArray();
            KernelAssert.Close([.. exps.Select(exp => exp / exps.Sum())], [.. exps.Select(_ => 1.0)], weights[(row * chosen)..((row + 1) * chosen)], 2e-7, "weights");
        }
    }

    [Fact]
    public void Select_WithTies_PrefersTheLowestExpert()
    {
        using var threads = new KernelThreads(1);
        var (ids, weights) = Select([1, 3, 3, 0, 3], 1, 5, 2, threads);
        Assert.Equal([1, 2], ids);
        Assert.Equal([0.5f, 0.5f], weights);
    }

    [Fact]
    public void Select_OfNaNLogits_StillNamesDistinctExperts()
    {
        using var threads = new KernelThreads(1);
        var (ids, _) = Select([float.NaN, float.NaN, 1, float.NaN], 1, 4, 3, threads);
        Assert.Equal(3, ids.Distinct().Count(id => id is >= 0 and < 4));
    }

    [Fact]
    public void Select_OfMoreThanThereAre_IsRefused()
    {
        using var threads = new KernelThreads(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => Select([1, 2], 1, 2, 3, threads));
    }

    private static (int[] Ids, float[] Weights) Select(float[] logits, int rows, int experts, int chosen, KernelThreads threads)
    {
        using var memory = new GuardedMemory();
        var ids = (int*)memory.Poisoned(rows * chosen);
        var weights = memory.Poisoned(rows * chosen);
        ExpertRouting.Select(memory.Floats(logits), rows, experts, chosen, ids, weights, threads);
        return (GuardedMemory.Read(ids, rows * chosen), GuardedMemory.Read(weights, rows * chosen));
    }
}
