using Pipeline.Model.Caching;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.TestKit.Batching;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.Decoding;

/// <summary>V-6 and V-7: sequences that share a step do not see each other, whatever their lengths and phases.</summary>
public class PackingTests
{
    private static readonly ModelConfig Config = TinyModels.Sparse;

    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Step_PackedPromptsThenDecode_EqualsSeparateRuns(string kernels)
    {
        var weights = new RandomWeights(Config, seed: 11);
        var sequences = Prompts([7, 5, 6], decoded: 10);
        var spec = CacheSpecs.For(Config, blockSize: 4, maxChunk: 8, maxLength: 32, sequences: 3);
        using var packed = new ShardChain(weights, spec, kernels);
        var rows = FeedPacked(packed, sequences, (sequence, seen) => seen == 0 ? sequence.Length - 10 : 1);
        for (var s = 0; s < sequences.Length; s++)
        {
            using var alone = new ShardChain(weights, spec, kernels);
            var expected = alone.Feed(s, sequences[s], sequences[s].Length - 10, 1);
            Close.Rows(new OracleModel(weights).Run(sequences[s]), rows[s]);
            for (var p = 0; p < expected.Length; p++)
            {
                Close.Vector([.. expected[p].Select(value => (double)value)], rows[s][p], $"sequence {s}, position {p}");
            }

            AssertSameCachedKeys(alone, packed, s);
        }
    }

    /// <summary>Rotation is relative, so positions that do not restart would not show in the logits.</summary>
    [Fact]
    public void Admit_PackedPrompts_PositionsRestartAndContinue()
    {
        var spec = CacheSpecs.For(Config, blockSize: 4, maxChunk: 8, maxLength: 32, sequences: 3);
        var table = new SequenceTable(Config, spec, new PlanEpoch(1), maxBatchTokens: 64);
        var writer = new MicrobatchWriter(spec, seed: 1);
        var prefill = table.Admit(writer.Next(new(0, new int[7]), new(1, new int[5]), new(2, new int[6])));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5], prefill.Positions);
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2], prefill.SegmentOfRow);
        var mixed = table.Admit(writer.Next(new(2, [1]), new(0, [1, 2]), new(1, [1])));
        Assert.Equal([6, 7, 8, 5], mixed.Positions);
        Assert.Equal([(0, 1), (1, 2), (3, 1)], mixed.Segments.Select(segment => (segment.FirstRow, segment.RowCount)));
    }

    /// <summary>The prompts end in different chunks, so that steps mix prefill with decode.</summary>
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Step_PromptsOfUnequalLengths_EqualSingleRuns(string kernels)
    {
        var weights = new RandomWeights(Config, seed: 12);
        var sequences = Prompts([1, 2, 9, 30], decoded: 8);
        using var chain = new ShardChain(weights, CacheSpecs.For(Config, blockSize: 2, maxChunk: 4, maxLength: 38, sequences: 4), kernels);
        var rows = FeedPacked(chain, sequences, (sequence, seen) => seen < sequence.Length - 8 ? Math.Min(4, sequence.Length - 8 - seen) : 1);
        for (var s = 0; s < sequences.Length; s++)
        {
            Close.Rows(new OracleModel(weights).Run(sequences[s]), rows[s]);
        }
    }

    /// <summary>Greedy continuation: the row that is sampled from must be the slice's own last one.</summary>
    [Theory]
    [MemberData(nameof(KernelSets.All), MemberType = typeof(KernelSets))]
    public void Step_SampleRequests_TakeTheLastRowOfEachSlice(string kernels)
    {
        var weights = new RandomWeights(Config, seed: 13);
        var sequences = Prompts([1, 7, 3, 5], decoded: 0);
        using var chain = new ShardChain(weights, CacheSpecs.For(Config, blockSize: 2, maxChunk: 8, maxLength: 16, sequences: 4), kernels);
        var results = chain.Step([.. sequences.Select((tokens, s) => new PlannedSlice(s, tokens, s == 2 ? LogitsRequest.None : LogitsRequest.Sample))]);
        Assert.Equal([0L, 1, 2, 3], results.Select(result => result.Sequence.Value));
        Assert.Null(results[2].Sampled);
        foreach (var s in (int[])[0, 1, 3])
        {
            var logits = new OracleModel(weights).Run(sequences[s]).Logits[^1];
            Assert.Equal(Array.IndexOf(logits, logits.Max()), results[s].Sampled!.Token);
        }
    }

    /// <summary>Rows by sequence, when every step takes from each unfinished sequence as many tokens as <paramref name="take"/> says.</summary>
    private static List<float[]>[] FeedPacked(ShardChain chain, int[][] sequences, Func<int[], int, int> take)
    {
        var rows = sequences.Select(_ => new List<float[]>()).ToArray();
        while (Unfinished().Any())
        {
            var batch = Unfinished().Select(s => new PlannedSlice(s, sequences[s].Skip(rows[s].Count).Take(take(sequences[s], rows[s].Count)).ToArray()));
            foreach (var result in chain.Step([.. batch]))
            {
                rows[result.Sequence.Value].AddRange(chain.Rows(result));
            }
        }

        return rows;

        IEnumerable<int> Unfinished() => Enumerable.Range(0, sequences.Length).Where(s => rows[s].Count < sequences[s].Length);
    }

    private static void AssertSameCachedKeys(ShardChain alone, ShardChain packed, int sequence)
    {
        for (var layer = 0; layer < Config.LayerCount; layer++)
        {
            var expected = ExportKeys(alone, sequence, layer);
            var actual = ExportKeys(packed, sequence, layer);
            Assert.True(expected.allclose(actual, rtol: 0, atol: Close.Tolerance), $"cached keys of sequence {sequence}, layer {layer}");
        }
    }

    private static torch.Tensor ExportKeys(ShardChain chain, int sequence, int layer)
    {
        var state = chain.Tables[0].Find(new SequenceId(sequence))!;
        var bytes = new SequenceTransfer(Config, chain.Shards[0].Cache).Export(state, layer);
        return torch.tensor(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).ToArray());
    }

    private static int[][] Prompts(int[] lengths, int decoded) =>
        [.. lengths.Select((length, s) => RandomTokens.Of(length + decoded, Config.VocabularySize, seed: s))];
}
