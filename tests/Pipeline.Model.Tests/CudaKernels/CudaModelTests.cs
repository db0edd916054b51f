using Pipeline.Model.Kernels;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sampling;
using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>
/// Whole shards on the GPU against float32 on the CPU, with weights that bfloat16 holds exactly. What remains is the rounding of
/// activations: TorchSharp's bfloat16 operations on the same device show how much that is, and ours may not be worse by half.
/// </summary>
public class CudaModelTests
{
    private static readonly ModelConfig Dense = TinyModels.Dense with
    {
        Name = "cuda-dense",
        HiddenSize = 256,
        LayerCount = 4,
        HeadCount = 8,
        KvHeadCount = 2,
        HeadDim = 128,
        IntermediateSize = 416,
        VocabularySize = 515,
        WindowPattern = [50],
        MaxPositions = 4096,
    };

    public static TheoryData<string, int> Models => new()
    {
        { "window", 1 }, { "window", 2 }, { "full", 3 }, { "narrow", 4 }, { "layers", 5 }, { "experts", 6 },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void Forward_MixedSteps_IsAsGoodAsTorch(string model, int seed)
    {
        var device = Gpu.Require();
        var weights = Rounded(ConfigOf(model), seed);
        var expected = Run(weights, KernelSelection.Torch, ElementType.Float32, torch.CPU, [4]);
        var torchError = Error(expected, Run(weights, KernelSelection.Torch, ElementType.BFloat16, device, [4]));
        var cudaError = Error(expected, Run(weights, KernelSelection.Cuda, ElementType.BFloat16, device, [4]));
        TestContext.Current.TestOutputHelper?.WriteLine($"{model}: relative error of ours {cudaError:G3}, of torch's bfloat16 {torchError:G3}");
        Assert.True(cudaError < (1.5 * torchError) + 1e-3, $"{model}: relative error {cudaError:G3}, torch's bfloat16 has {torchError:G3}");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Forward_FourShards_GivesTheBitsOfOne(string model, int seed)
    {
        var device = Gpu.Require();
        var weights = Rounded(ConfigOf(model), seed);
        Assert.Equal(Run(weights, KernelSelection.Cuda, ElementType.BFloat16, device, [4]), Run(weights, KernelSelection.Cuda, ElementType.BFloat16, device, [1, 1, 1, 1]));
    }

    /// <summary>A row's bits must not depend on its neighbours while the batch is small.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void Forward_AloneOrInABatch_GivesTheSameBits(string model, int seed)
    {
        var device = Gpu.Require();
        var weights = Rounded(ConfigOf(model), seed);
        Assert.Equal(LastOf(weights, device, others: 0), LastOf(weights, device, others: 2));
        Assert.Equal(LastOf(weights, device, others: 0), LastOf(weights, device, others: 7));
    }

    /// <summary>Nor while it is larger, where Hopper's kernels spare us cuBLAS.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void Forward_AmongFewOrManyOnHopper_GivesTheSameBits(string model, int seed)
    {
        var device = Gpu.RequireHopper();
        var weights = Rounded(ConfigOf(model), seed);
        Assert.Equal(LastOf(weights, device, others: 8), LastOf(weights, device, others: 15));
        Assert.Equal(LastOf(weights, device, others: 8), LastOf(weights, device, others: 22));
    }

    /// <summary>The first decode step of a bucket runs plainly, later ones as a graph: what a sequence draws must not show which.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void Forward_PlainOrRecorded_DrawsTheSameTokens(string model, int seed)
    {
        var device = Gpu.Require();
        var weights = Rounded(ConfigOf(model), seed);
        int[] Draw(LogitsRequest request, SamplingParams sampling, bool warm)
        {
            using var chain = Chain(weights, KernelSelection.Cuda, ElementType.BFloat16, device, [3, 1]);
            for (var i = 0; warm && i < 3; i++)
            {
                chain.Step(Enumerable.Range(10, 5).Select(sequence => new PlannedSlice(sequence, [i + sequence], LogitsRequest.Sample)).ToList());
            }

            var tokens = new List<int>();
            chain.Step(Enumerable.Range(0, 5).Select(sequence => new PlannedSlice(sequence, [1, 2, 3, 4 + sequence], LogitsRequest.None, Sampling: sampling)).ToList());
            var last = new[] { 1, 2, 3, 4, 5 };
            for (var step = 0; step < 40; step++)
            {
                var results = chain.Step(Enumerable.Range(0, 5).Select(sequence => new PlannedSlice(sequence, [last[sequence]], request)).ToList());
                last = [.. results.Select(result => result.Sampled!.Token)];
                tokens.AddRange(last);
            }

            return [.. tokens];
        }

        foreach (var sampling in new SamplingParams[] { new() { Temperature = 0 }, new() { Seed = 5 }, new() { Seed = 6, Temperature = 1.5f, TopK = 40, TopP = 0.9f, MinP = 0.01f } })
        {
            var onHost = Draw(LogitsRequest.Sample | LogitsRequest.Raw, sampling, warm: false);
            Assert.Equal(onHost, Draw(LogitsRequest.Sample, sampling, warm: false));
            Assert.Equal(onHost, Draw(LogitsRequest.Sample, sampling, warm: true));
        }
    }

    /// <summary>
    /// Seven sequences with parameters of their own: what the CPU draws and reports from their logits, plain steps and recorded ones
    /// do too.
    /// </summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void Forward_EverySequenceItsOwnParameters_DrawsWhatTheHostDraws(string model, int seed)
    {
        var device = Gpu.Require();
        var weights = Rounded(ConfigOf(model), seed);
        SampledToken[][] Draw(LogitsRequest request, bool warm)
        {
            using var chain = Chain(weights, KernelSelection.Cuda, ElementType.BFloat16, device, [3, 1]);
            for (var i = 0; warm && i < 3; i++)
            {
                chain.Step(Enumerable.Range(10, 7).Select(sequence => new PlannedSlice(sequence, [i + sequence], LogitsRequest.Sample)).ToList());
            }

            var steps = new List<SampledToken[]>();
            chain.Step(Enumerable.Range(0, 7).Select(sequence => new PlannedSlice(sequence, [1, 2, 3, 3, 4 + sequence], LogitsRequest.None, Sampling: Own(sequence))).ToList());
            for (var step = 0; step < 40; step++)
            {
                var drawn = chain.Step(Enumerable.Range(0, 7).Select(sequence => new PlannedSlice(sequence, [step == 0 ? 5 : steps[^1][sequence].Token], request)).ToList());
                steps.Add([.. drawn.Select(result => result.Sampled!)]);
            }

            return [.. steps];
        }

        var onHost = Draw(LogitsRequest.Sample | LogitsRequest.Raw, warm: false);
        foreach (var onDevice in (SampledToken[][][])[Draw(LogitsRequest.Sample, warm: false), Draw(LogitsRequest.Sample, warm: true)])
        {
            Assert.Equal(onHost.SelectMany(step => step).Select(drawn => drawn.Token), onDevice.SelectMany(step => step).Select(drawn => drawn.Token));
            Assert.Equal(
                onHost.SelectMany(step => step).SelectMany(drawn => drawn.Top).Select(top => top.Token), onDevice.SelectMany(step => step).SelectMany(drawn => drawn.Top).Select(top => top.Token));
            var errors = Logprobs(onHost).Zip(Logprobs(onDevice), (e, a) => Math.Abs(e - a));
            Assert.True(errors.Max() < 1e-5, $"log-probabilities differ by {errors.Max():G3}");
        }
    }

    /// <summary>A sequence with one token left may begin on blocks that another one fills in the same step, by a chunk or by a decode row.</summary>
    [Theory]
    [InlineData("full", 33)]
    [InlineData("full", 1)]
    [InlineData("window", 33)]
    [InlineData("layers", 1)]
    public void Forward_PrefixWrittenInTheSameStep_IsSeen(string model, int lastChunk)
    {
        var device = Gpu.Require();
        var weights = Rounded(ConfigOf(model), 7);
        float[] Last(bool inOneStep)
        {
            using var chain = Chain(weights, KernelSelection.Cuda, ElementType.BFloat16, device, [2, 2]);
            var prefix = Enumerable.Range(0, 48).Select(position => Token(chain, 1, position)).ToArray();
            if (lastChunk < prefix.Length)
            {
                chain.Step(new PlannedSlice(1, prefix[..^lastChunk]));
            }

            PlannedSlice[] Others() => [.. Enumerable.Range(10, 12).Select(other => new PlannedSlice(other, Tokens(chain, other, 1)))];
            var step = chain.Writer.Next([.. Others(), new PlannedSlice(1, prefix[^lastChunk..]), new PlannedSlice(2, [.. prefix, 5])]);
            var sharer = PrefixSharing.Behind(step.Slices[^1], prefix.Length, chain.Writer, owner: 1, blockSize: 16);
            if (!inOneStep)
            {
                chain.Step(step with { Slices = [.. step.Slices.SkipLast(1)] });
                step = chain.Writer.Next([.. Others(), new PlannedSlice(2, [])]);
            }

            return chain.Rows(chain.Step(step with { Slices = [.. step.Slices.SkipLast(1), sharer] })[^1])[0];
        }

        var error = Error([Last(inOneStep: false)], [Last(inOneStep: true)]);
        Assert.True(error < 0.02, $"relative difference {error:G3}");
    }

    private static IEnumerable<float> Logprobs(SampledToken[][] steps) =>
        steps.SelectMany(step => step).SelectMany(drawn => drawn.Top.Select(top => top.Logprob).Append(drawn.Logprob ?? 0));

    private static SamplingParams Own(int sequence) => sequence switch
    {
        0 => new() { Temperature = 0 },
        1 => new() { Temperature = 0, RepetitionPenalty = 1.3f, Logprobs = 20 },
        2 => new() { Seed = 5, PresencePenalty = 0.5f, FrequencyPenalty = 0.2f, Logprobs = 0 },
        3 => new() { Seed = 6, TopK = 40, TopP = 0.9f, LogitBias = new Dictionary<int, float> { [7] = 3, [400] = -100 } },
        4 => new() { Temperature = 0, MinTokens = 20, StopTokenIds = [.. Enumerable.Range(0, 300)], Logprobs = 5 },
        5 => new() { Seed = 7, Temperature = 1.5f, MinP = 0.02f, RepetitionPenalty = 0.9f, FrequencyPenalty = -0.1f },
        _ => new() { Seed = 8, Logprobs = 3 },
    };

    private static ModelConfig ConfigOf(string name) => name switch
    {
        "window" => Dense,
        "full" => Dense with { WindowPattern = [null], HeadCount = 6, KvHeadCount = 2 },
        "narrow" => Dense with { HeadDim = 64, HeadCount = 8, KvHeadCount = 8, HiddenSize = 192 },
        "layers" => Dense with { WindowPattern = [null, 50] },
        _ => Dense with { Moe = new MoeConfig(8, 2) },
    };

    /// <summary>The logits of the first sequence after 150 steps beside others.</summary>
    private static float[] LastOf(RandomWeights weights, torch.Device device, int others)
    {
        using var chain = Chain(weights, KernelSelection.Cuda, ElementType.BFloat16, device, [2, 2]);
        float[] rows = [];
        for (var position = 0; position < 150; position++)
        {
            var slices = Enumerable.Range(0, others + 1).Select(sequence => new PlannedSlice(sequence, [Token(chain, sequence, position)])).ToList();
            rows = chain.Rows(chain.Step(slices)[0])[0];
        }

        return rows;
    }

    private static RandomWeights Rounded(ModelConfig config, int seed)
    {
        var weights = new RandomWeights(config, seed);
        foreach (var values in ModelTensors.Of(config).Select(slot => weights[slot]))
        {
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(values[i]) & ~0xffff);
            }
        }

        return weights;
    }

    private static ShardChain Chain(RandomWeights weights, string kernels, ElementType type, torch.Device device, int[] layers)
    {
        var chain = new ShardChain(weights, CacheSpecs.For(weights.Config, blockSize: 16, maxChunk: 300, maxLength: 700, sequences: 24), kernels, type, device, layers);
        chain.PoisonCaches();
        return chain;
    }

    /// <summary>Prompts in chunks, decode beside them, large batches: every kernel with every kind of neighbour.</summary>
    private static float[][] Run(RandomWeights weights, string kernels, ElementType type, torch.Device device, int[] layers)
    {
        using var chain = Chain(weights, kernels, type, device, layers);
        var rows = new List<float[]>();
        void Step(params (int Sequence, int Count)[] slices)
        {
            var planned = slices.Select(slice => new PlannedSlice(slice.Sequence, Tokens(chain, slice.Sequence, slice.Count))).ToList();
            foreach (var result in chain.Step(planned))
            {
                rows.AddRange(chain.Rows(result));
            }
        }

        Step((1, 150));
        Step((1, 1), (2, 17));
        Step((2, 300), (1, 64), (3, 2));
        Step((1, 1), (2, 1), (3, 1));
        Step([.. Enumerable.Range(4, 18).Select(sequence => (sequence, 1))]);
        Step((2, 1), (1, 130), (4, 1), (5, 3));
        Step((2, 1));
        return [.. rows];
    }

    private static int[] Tokens(ShardChain chain, int sequence, int count)
    {
        var first = chain.Tables[0].Find(new SequenceId(sequence))?.Length ?? 0;
        return [.. Enumerable.Range(first, count).Select(position => Token(chain, sequence, position))];
    }

    private static int Token(ShardChain chain, int sequence, int position) =>
        (int)(((((uint)sequence * 7919) + (uint)position) * 2654435761u >> 8) % (uint)chain.Shards[0].Config.VocabularySize);

    /// <summary>The median over rows: where experts are nearly tied a rounding chooses another one, and that row tells nothing.</summary>
    private static double Error(float[][] expected, float[][] actual)
    {
        var errors = expected.Zip(actual, (e, a) =>
        {
            Assert.All(a, value => Assert.True(float.IsFinite(value)));
            return Math.Sqrt(e.Zip(a, (x, y) => (double)(x - y) * (x - y)).Sum() / e.Sum(x => (double)x * x));
        }).Order().ToList();
        return errors[errors.Count / 2] + (expected[0].Length == 0 ? 1 : 0);
    }
}
