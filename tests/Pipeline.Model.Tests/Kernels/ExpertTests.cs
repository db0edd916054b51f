using Pipeline.Model.Checkpoints;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.Kernels;

/// <summary>V-10 and V-11: routing and mixing. The router is made to read a token's expert logits from its first components.</summary>
public class ExpertTests
{
    private const int Experts = 4;
    private static readonly ModelConfig Config = TinyModels.Sparse.WithLayers(1);

    [Theory]
    [MemberData(nameof(ExpertsPerToken))]
    public void MixExperts_RandomTokens_EqualsTheOracle(string kernels, int k)
    {
        var (config, weights) = Model(k);
        var tokens = RandomRows(50, seed: k);
        var actual = Mix(kernels, config, weights, tokens);
        var oracle = new OracleModel(weights);
        for (var t = 0; t < tokens.Length; t++)
        {
            Close.Vector(oracle.FeedForward(Widen(tokens[t]), 0), actual[t], $"token {t}");
        }
    }

    /// <summary>Expert 3 is never chosen, expert 2 by a single token; both must cost nothing and change nothing.</summary>
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void MixExperts_UnvisitedAndLonelyExperts_EqualTheOracle(string kernels)
    {
        var (config, weights) = Model(expertsPerToken: 2);
        var tokens = RandomRows(50, seed: 9);
        foreach (var (t, token) in tokens.Index())
        {
            float[] logits = t == 17 ? [1, -5, 2, -6] : [0.5f, 0.25f + (t / 100f), -5, -6];
            logits.CopyTo(token, 0);
        }

        var actual = Mix(kernels, config, weights, tokens);
        for (var t = 0; t < tokens.Length; t++)
        {
            Close.Vector(new OracleModel(weights).FeedForward(Widen(tokens[t]), 0), actual[t], $"token {t}");
        }
    }

    /// <summary>With one expert per token its weight is exactly 1: the result is that expert's own, bit for bit.</summary>
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void MixExperts_OnePerToken_IsThatExpertAlone(string kernels)
    {
        var (config, weights) = Model(expertsPerToken: 1);
        using var parts = new Parts(kernels, config, weights);
        foreach (var token in RandomRows(20, seed: 2))
        {
            var expert = Array.IndexOf(token, token[..Experts].Max());
            Assert.Equal(parts.Expert(token, expert), parts.Mix([token])[0]);
        }
    }

    /// <summary>Equal logits: the lowest expert wins, whatever the order in memory.</summary>
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void MixExperts_EqualLogits_ChoosesTheLowestExperts(string kernels)
    {
        var (config, weights) = Model(expertsPerToken: 1);
        using var parts = new Parts(kernels, config, weights);
        var token = RandomRows(1, seed: 3)[0];
        ((float[])[1, 2, 2, 2]).CopyTo(token, 0);
        Assert.Equal(parts.Expert(token, 1), parts.Mix([token])[0]);
    }

    [Theory]
    [MemberData(nameof(ExpertsPerToken))]
    public void MixExperts_ShiftedLogits_StayTheSame(string kernels, int k)
    {
        var (config, weights) = Model(k);
        var tokens = RandomRows(30, seed: 4);
        var before = Mix(kernels, config, weights, tokens);

        // Adding one and the same row to every row of the router adds one number to all logits of a token.
        var router = weights[TensorSlot.OfLayer(TensorKind.Router, 0)];
        for (var i = 0; i < router.Length; i++)
        {
            router[i] += i % Config.HiddenSize == Experts ? 2 : 0;
        }

        AssertClose(before, Mix(kernels, config, weights, tokens));
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void MixExperts_PermutedTokens_PermuteTheOutput(string kernels)
    {
        var (config, weights) = Model(expertsPerToken: 2);
        var tokens = RandomRows(50, seed: 5);
        var order = Enumerable.Range(0, 50).ToArray();
        new Random(5).Shuffle(order);
        var straight = Mix(kernels, config, weights, tokens);
        var permuted = Mix(kernels, config, weights, [.. order.Select(t => tokens[t])]);
        AssertClose([.. order.Select(t => straight[t])], permuted);
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void MixExperts_PermutedExpertsWithTheirRouterRows_LeaveTheOutput(string kernels)
    {
        var (config, weights) = Model(expertsPerToken: 2);
        var tokens = RandomRows(50, seed: 6);
        var before = Mix(kernels, config, weights, tokens);
        int[] order = [2, 0, 3, 1];
        var router = weights[TensorSlot.OfLayer(TensorKind.Router, 0)];
        Permute(order, [.. Enumerable.Range(0, Experts).Select(e => router.AsMemory(e * Config.HiddenSize, Config.HiddenSize))]);
        foreach (var kind in (TensorKind[])[TensorKind.GateProjection, TensorKind.UpProjection, TensorKind.DownProjection])
        {
            Permute(order, [.. Enumerable.Range(0, Experts).Select(e => weights[TensorSlot.OfExpert(kind, 0, e)].AsMemory())]);
        }

        AssertClose(before, Mix(kernels, config, weights, tokens));
    }

    public static TheoryData<string, int> ExpertsPerToken() => KernelSets.With([1, 2, 3, 4]);

    private static (ModelConfig Config, RandomWeights Weights) Model(int expertsPerToken)
    {
        var config = Config with { Moe = new MoeConfig(Experts, expertsPerToken) };
        var weights = new RandomWeights(config, seed: 60);
        var router = weights[TensorSlot.OfLayer(TensorKind.Router, 0)];
        Array.Clear(router);
        for (var expert = 0; expert < Experts; expert++)
        {
            router[(expert * config.HiddenSize) + expert] = 1;
        }

        return (config, weights);
    }

    private static float[][] Mix(string kernels, ModelConfig config, RandomWeights weights, float[][] tokens)
    {
        using var parts = new Parts(kernels, config, weights);
        return parts.Mix(tokens);
    }

    private static float[][] RandomRows(int rows, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Range(0, Config.HiddenSize).Select(_ => (float)((2 * random.NextDouble()) - 1)).ToArray())];
    }

    private static double[] Widen(float[] row) => [.. row.Select(value => (double)value)];

    private static void Permute(int[] order, Memory<float>[] parts)
    {
        var old = parts.Select(part => part.ToArray()).ToArray();
        for (var i = 0; i < parts.Length; i++)
        {
            old[order[i]].CopyTo(parts[i]);
        }
    }

    private static void AssertClose(float[][] expected, float[][] actual)
    {
        for (var row = 0; row < expected.Length; row++)
        {
            Close.Vector(Widen(expected[row]), actual[row], $"token {row}", 1e-5);
        }
    }

    /// <summary>The sparse layer's weights as a kernel set holds them.</summary>
    private sealed class Parts : IDisposable
    {
        private readonly IKernelSet _kernels;
        private readonly ExpertWeights _weights;
        private readonly LinearWeight[] _gateUp;
        private readonly LinearWeight[] _down;

        public Parts(string kernels, ModelConfig config, RandomWeights weights)
        {
            _kernels = KernelSelection.Create(kernels, config, ElementType.Float32, torch.CPU, threads: 1);
            IWeightSource source = new MemoryWeights(weights, new ShardAssignment(0, 1, new LayerRange(0, 1)));
            _weights = _kernels.LoadExperts(source, 0, config.Moe!);
            LinearWeight Load(int expert, params TensorKind[] kinds) => _kernels.LoadLinear(source, [.. kinds.Select(kind => TensorSlot.OfExpert(kind, 0, expert))]);
            _gateUp = [.. Enumerable.Range(0, Experts).Select(e => Load(e, TensorKind.GateProjection, TensorKind.UpProjection))];
            _down = [.. Enumerable.Range(0, Experts).Select(e => Load(e, TensorKind.DownProjection))];
        }

        public float[][] Mix(float[][] tokens)
        {
            using var scope = torch.NewDisposeScope();
            return Rows(_kernels.MixExperts(Tensor(tokens), _weights));
        }

        public float[] Expert(float[] token, int expert)
        {
            using var scope = torch.NewDisposeScope();
            return Rows(_kernels.Linear(_kernels.SwiGlu(_kernels.Linear(Tensor([token]), _gateUp[expert])), _down[expert]))[0];
        }

        public void Dispose()
        {
            _weights.Dispose();
            Array.ForEach([.. _gateUp, .. _down], weight => weight.Dispose());
            _kernels.Dispose();
        }

        private static torch.Tensor Tensor(float[][] rows) => torch.tensor([.. rows.SelectMany(row => row)], [rows.Length, rows[0].Length]);

        private static float[][] Rows(torch.Tensor tensor) => [.. tensor.data<float>().ToArray().Chunk((int)tensor.shape[1])];
    }
}
