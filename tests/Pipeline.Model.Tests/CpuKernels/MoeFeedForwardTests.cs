using Pipeline.Model.CpuKernels;

namespace Pipeline.Model.Tests.CpuKernels;

public unsafe class MoeFeedForwardTests
{
    [Theory]
    [InlineData(1, 4, 2)]
    [InlineData(7, 8, 2)]
    [InlineData(70, 4, 3)]
    [InlineData(20, 3, 1)]
    public void Forward_OnRandomRows_MatchesDoublePrecisionOnEveryHost(int rows, int experts, int chosen)
    {
        var weights = new Experts(experts, size: 50, hidden: 37, seed: rows);
        using var moe = weights.Build(chosen);
        using var hosts = new KernelHosts();
        var x = new Random(rows).Normal(rows * weights.Size);
        var actual = hosts.RunEverywhere(threads => Forward(moe, x, rows, threads));
        var expected = x.Chunk(weights.Size).SelectMany(row => weights.Reference(row, chosen)).ToArray();
        KernelAssert.Close(expected, [.. expected.Select(value => Math.Abs(value) + 1)], actual, 2e-6, "moe");
    }

    [Fact]
    public void Forward_OfRowsTogether_HasTheBitsOfEachRowAlone()
    {
        var weights = new Experts(experts: 8, size: 64, hidden: 48, seed: 1);
        using var moe = weights.Build(2);
        using var threads = new KernelThreads(2);
        foreach (var rows in (int[])[2, 3, 9, 40, 300])
        {
            var x = new Random(rows).Normal(rows * weights.Size);
            var alone = x.Chunk(weights.Size).SelectMany(row => Forward(moe, row, 1, threads)).ToArray();
            KernelAssert.SameBits(alone, Forward(moe, x, rows, threads), $"{rows} rows");
        }
    }

    [Fact]
    public void Forward_OfARow_AddsItsExpertsInAscendingOrder()
    {
        var weights = new Experts(experts: 6, size: 40, hidden: 33, seed: 6);
        using var moe = weights.Build(4);
        using var threads = new KernelThreads(1);
        for (var seed = 0; seed < 10; seed++)
        {
            var x = new Random(seed).Normal(weights.Size);
            var expected = new float[weights.Size];
            foreach (var (expert, weight) in weights.Routed(x, 4, threads).OrderBy(choice => choice.Expert))
            {
                var output = weights.Forward(expert, x, threads);
                expected = [.. expected.Zip(output, (sum, value) => MathF.FusedMultiplyAdd(weight, value, sum))];
            }

            KernelAssert.SameBits(expected, Forward(moe, x, 1, threads), "ascending sum");
        }
    }

    [Fact]
    public void Forward_WithAnExpertOfNaNThatNobodyChose_NeverTouchesIt()
    {
        var weights = new Experts(experts: 4, size: 32, hidden: 20, seed: 2);
        var x = new Random(3).Normal(32);
        var unchosen = Enumerable.Range(0, 4).Except(weights.Chosen(x, 2).Select(choice => choice.Expert)).ToArray();
        foreach (var expert in unchosen)
        {
            weights.GateUps[expert].AsSpan().Fill(float.NaN);
            weights.Downs[expert].AsSpan().Fill(float.NaN);
        }

        using var moe = weights.Build(2);
        using var threads = new KernelThreads(1);
        Assert.All(Forward(moe, x, 1, threads), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void Forward_OnceWarm_AllocatesNothing()
    {
        var weights = new Experts(experts: 4, size: 256, hidden: 256, seed: 4);
        using var moe = weights.Build(2);
        using var threads = new KernelThreads(2);
        using var memory = new GuardedMemory();
        var x = memory.Floats(new Random(5).Normal(30 * weights.Size));
        var output = memory.Poisoned(30 * weights.Size);
        KernelAssert.AllocatesNothing(() =>
        {
            moe.Forward(x, 30, output, threads);
            moe.Forward(x, 1, output, threads);
        });
    }

    [Fact]
    public void Constructor_WithAnExpertOfAnotherShape_NamesIt()
    {
        using var router = PackedLinearTests.Pack(new float[16], 2, 8);
        using var gateUp = PackedLinearTests.Pack(new float[80], 10, 8);
        using var wrong = PackedLinearTests.Pack(new float[72], 9, 8);
        using var down = PackedLinearTests.Pack(new float[40], 8, 5);
        var exception = Assert.Throws<ArgumentException>(() => new MoeFeedForward(router, [gateUp, wrong], [down, down], 2));
        Assert.Contains("expert 1 is [9, 8], expected [10, 8]", exception.Message, StringComparison.Ordinal);
    }

    private static float[] Forward(MoeFeedForward moe, float[] x, int rows, KernelThreads threads)
    {
        using var memory = new GuardedMemory();
        var output = memory.Poisoned(x.Length);
        moe.Forward(memory.Floats(x), rows, output, threads);
        return GuardedMemory.Read(output, x.Length);
    }

    /// <summary>Random weights of a sparse layer and what it should compute.</summary>
    private sealed class Experts
    {
        private readonly float[] _router;
        private readonly int _hidden;

        public Experts(int experts, int size, int hidden, int seed)
        {
            var random = new Random(seed);
            (Size, this._hidden) = (size, hidden);
            _router = random.Normal(experts * size);
            GateUps = [.. Enumerable.Range(0, experts).Select(_ => random.Normal(2 * hidden * size, 0.2f))];
            Downs = [.. Enumerable.Range(0, experts).Select(_ => random.Normal(hidden * size, 0.2f))];
        }

        public int Size { get; }

        public float[][] GateUps { get; }

        public float[][] Downs { get; }

        public MoeFeedForward Build(int chosen) => new(
            PackedLinearTests.Pack(_router, GateUps.Length, Size),
            [.. GateUps.Select(weight => PackedLinearTests.Pack(weight, 2 * _hidden, Size))],
            [.. Downs.Select(weight => PackedLinearTests.Pack(weight, Size, _hidden))],
            chosen);

        public (int Expert, double Weight)[] Chosen(float[] x, int chosen)
        {
            var logits = Product(_router, [.. x.Select(value => (double)value)]);
            var best = Enumerable.Range(0, logits.Length).OrderByDescending(expert => logits[expert]).Take(chosen).ToArray();
            var sum = best.Sum(expert => Math.Exp(logits[expert]));
            return [.. best.Select(expert => (expert, Math.Exp(logits[expert]) / sum))];
        }

        /// <summary>What the routing kernel chooses for a row.</summary>
        public (int Expert, float Weight)[] Routed(float[] x, int chosen, KernelThreads threads)
        {
            using var memory = new GuardedMemory();
            using var linear = PackedLinearTests.Pack(_router, GateUps.Length, Size);
            var logits = memory.Poisoned(GateUps.Length);
            var ids = (int*)memory.Poisoned(chosen);
            var weights = memory.Poisoned(chosen);
            linear.Multiply(memory.Floats(x), 1, logits, threads);
            ExpertRouting.Select(logits, 1, GateUps.Length, chosen, ids, weights, threads);
            return [.. GuardedMemory.Read(ids, chosen).Zip(GuardedMemory.Read(weights, chosen))];
        }

        /// <summary>One expert's output by the single kernels.</summary>
        public float[] Forward(int expert, float[] x, KernelThreads threads)
        {
            using var memory = new GuardedMemory();
            using var gateUp = PackedLinearTests.Pack(GateUps[expert], 2 * _hidden, Size);
            using var down = PackedLinearTests.Pack(Downs[expert], Size, _hidden);
            var (fused, activated, output) = ((nint)memory.Poisoned(2 * _hidden), (nint)memory.Poisoned(_hidden), (nint)memory.Poisoned(Size));
            gateUp.Multiply(memory.Floats(x), 1, (float*)fused, threads);
            SwiGlu.Apply((float*)fused, 1, _hidden, (float*)activated, threads);
            down.Multiply((float*)activated, 1, (float*)output, threads);
            return GuardedMemory.Read((float*)output, Size);
        }

        public double[] Reference(float[] x, int chosen)
        {
            var output = new double[Size];
            foreach (var (expert, weight) in Chosen(x, chosen))
            {
                var gateUp = Product(GateUps[expert], [.. x.Select(value => (double)value)]);
                var activated = gateUp.Take(_hidden).Zip(gateUp.Skip(_hidden), (gate, up) => gate / (1 + Math.Exp(-gate)) * up).ToArray();
                var down = Product(Downs[expert], activated);
                output = [.. output.Zip(down, (sum, value) => sum + (weight * value))];
            }

            return output;
        }

        private static double[] Product(float[] weight, double[] x) =>
            [.. weight.Chunk(x.Length).Select(row => row.Zip(x, (w, value) => w * value).Sum())];
    }
}
