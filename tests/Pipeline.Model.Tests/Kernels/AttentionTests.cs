using Pipeline.Model.Caching;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sampling;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.Kernels;

/// <summary>V-2 and V-9: who sees whom, and what rotation does to a key.</summary>
public class AttentionTests
{
    private static readonly string[] PackedPrompts =
    [
        "0.................",
        "00................",
        "000...............",
        ".000..............",
        "..000.............",
        "...000............",
        "....000...........",
        ".......0..........",
        ".......00.........",
        ".......000........",
        "........000.......",
        ".........000......",
        "............0.....",
        "............00....",
        "............000...",
        ".............000..",
        "..............000.",
        "...............000",
    ];

    private static readonly string[] ChunksAfterCache =
    [
        ".....000..........",
        "......000.........",
        ".......000........",
        "...........000....",
        "............000...",
        ".............000..",
        "..............000.",
        "...............000",
    ];

    private static readonly ModelConfig Config = TinyModels.Dense with { HeadCount = 2, KvHeadCount = 1, WindowPattern = [1], LayerCount = 1 };
    private static readonly float[] Key = [.. Enumerable.Range(0, 16).Select(i => 1.5f - (0.37f * i))];
    private static readonly float[] Value = [.. Enumerable.Range(0, 16).Select(i => i + 0.5f)];
    private static readonly string[] Decode = ["000.....", "...00000"];

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Attend_GoldenGrids_AreSeen(string kernels)
    {
        Assert.Equal(PackedPrompts, VisibilityGrid.Of(kernels, 3, (0, 7), (0, 5), (0, 6)));
        Assert.Equal(ChunksAfterCache, VisibilityGrid.Of(kernels, 3, (7, 3), (3, 5)));
        Assert.Equal(Decode, VisibilityGrid.Of(kernels, 6, (2, 1), (4, 1)));
    }

    [Theory]
    [MemberData(nameof(Windows))]
    public void Attend_RandomPacking_FollowsTheRule(string kernels, int window)
    {
        var random = new Random(window);
        for (var trial = 0; trial < 20; trial++)
        {
            var sequences = Enumerable.Range(0, random.Next(1, 5)).Select(_ => (random.Next(10), random.Next(1, 10))).ToArray();
            int? width = window == 0 ? null : window;
            Assert.Equal(VisibilityGrid.Expected(width, sequences), VisibilityGrid.Of(kernels, width, sequences));
        }
    }

    /// <summary>Head dim 4, theta 1e4: components 0 and 2 turn by the position, 1 and 3 by a hundredth of it.</summary>
    [Theory]
    [InlineData(0, 1.0, 0.0, 1.0, 0.0)]
    [InlineData(1, 0.5403023058681398, 0.8414709848078965, 0.9999500004166653, 0.009999833334166664)]
    [InlineData(100, 0.8623188722876839, -0.5063656411097588, 0.5403023058681398, 0.8414709848078965)]
    [InlineData(127_999, -0.4620288780100079, -0.8868648802860633, -0.20748796478253032, -0.9782375705678061)]
    public void RotaryTable_Position_GivesHandComputedNumbers(int position, double cos0, double sin0, double cos1, double sin1)
    {
        var (cosine, sine) = new RotaryTable(headDim: 4, theta: 1e4).Rows([7, position]);
        Assert.Equal([(float)cos0, (float)cos1], cosine[2..]);
        Assert.Equal([(float)sin0, (float)sin1], sine[2..]);
    }

    [Theory]
    [MemberData(nameof(Positions))]
    public void Attend_KeyAtPosition_IsCachedRotatedAndValueIsNot(string kernels, int position)
    {
        using var lone = new LoneLayer(Config, kernels, slots: 1);
        lone.Attend([[.. new float[32], .. Key, .. Value]], position);
        var expected = new double[16];
        for (var i = 0; i < 8; i++)
        {
            // The frequencies of head dim 16 under theta 1e4 are 1, 1 / sqrt(10), 0.1 and so on.
            var (sin, cos) = Math.SinCos(position * Math.Pow(10, -i / 2.0));
            expected[i] = (Key[i] * cos) - (Key[i + 8] * sin);
            expected[i + 8] = (Key[i + 8] * cos) + (Key[i] * sin);
        }

        Close.Vector(expected, lone.Keys(0), $"key at {position}", 1e-5);
        Assert.Equal(Value, lone.Values(0));
        Assert.Equal(Key.Sum(x => (double)x * x), lone.Keys(0).Sum(x => (double)x * x), 1e-3);
    }

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Attend_PositionZero_LeavesTheKeyAsItIs(string kernels)
    {
        using var lone = new LoneLayer(Config, kernels, slots: 1);
        lone.Attend([[.. new float[32], .. Key, .. Value]], 0);
        Assert.Equal(Key, lone.Keys(0));
    }

    /// <summary>Queries and keys turn together: what the last of six tokens attends to depends on distances alone.</summary>
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Attend_ShiftedPositions_GiveTheSameOutput(string kernels)
    {
        var config = Config with { WindowPattern = [6] };
        var random = new Random(6);
        var rows = Enumerable.Range(0, 6).Select(_ => Enumerable.Range(0, config.QkvSize).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray()).ToArray();
        var outputs = ((int[])[0, 1, 50, 3000]).Select(first =>
        {
            using var lone = new LoneLayer(config, kernels, slots: 12);
            return lone.Attend(rows, first)[^1];
        }).ToArray();
        Assert.All(outputs, output => Close.Vector([.. outputs[0].Select(x => (double)x)], output, "attention", 1e-4));
    }

    public static TheoryData<string, int> Windows() => KernelSets.With(Enumerable.Range(0, 9));

    public static TheoryData<string, int> Positions() => KernelSets.With([0, 1, 100, 127_999]);

    /// <summary>One layer's attention over one sequence whose rows may begin anywhere.</summary>
    private sealed class LoneLayer : IDisposable
    {
        private readonly ModelConfig _config;
        private readonly IKernelSet _kernels;
        private readonly LayerKvCache _cache;
        private readonly int _slots;

        public LoneLayer(ModelConfig config, string kernels, int slots)
        {
            _config = config;
            _kernels = KernelSelection.Create(kernels, config, ElementType.Float32, torch.CPU, threads: 1);
            _slots = slots;
            _cache = new LayerKvCache(torch.zeros(slots, 1, 1, config.HeadDim), torch.zeros(slots, 1, 1, config.HeadDim), 0);
        }

        public float[][] Attend(float[][] qkv, int first)
        {
            var state = new SequenceState(new SequenceId(1), new SequenceStart(1, new SamplingParams()), 1);
            var positions = Enumerable.Range(first, qkv.Length).ToArray();
            var layout = new StepLayout
            {
                Microbatch = new Microbatch { Epoch = default, Step = 1, Id = default, Slices = [] },
                Segments = [new StepSegment(state, 0, qkv.Length, first)],
                Tokens = new int[qkv.Length],
                Positions = positions,
                SegmentOfRow = new int[qkv.Length],
                Groups =
                [
                    new GroupLayout
                    {
                        Window = _config.WindowPattern[0],
                        BlockSize = 1,
                        RingBlocks = _slots,
                        Slots = [.. positions.Select(position => position % _slots)],
                        Tables = [.. Enumerable.Range(0, _slots)],
                        TableOffsets = [0],
                    },
                ],
            };
            using var scope = torch.NewDisposeScope();
            var output = _kernels.Attend(torch.tensor([.. qkv.SelectMany(row => row)], [qkv.Length, _config.QkvSize]), _cache, layout, _config);
            return [.. output.data<float>().ToArray().Chunk(_config.HeadCount * _config.HeadDim)];
        }

        public float[] Keys(int slot) => _cache.Keys[slot].data<float>().ToArray();

        public float[] Values(int slot) => _cache.Values[slot].data<float>().ToArray();

        public void Dispose()
        {
            _cache.Dispose();
            _kernels.Dispose();
        }
    }
}
