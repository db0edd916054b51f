using Pipeline.Model.Checkpoints;
using Pipeline.Shared.Models;
using Pipeline.TestKit;

namespace Pipeline.Model.Tests.Checkpoints;

public class CheckpointTests
{
    private static readonly string[] Folders =
    [
        Fixtures.At("random-mistral"), Fixtures.At("random-mistral-nowindow-headdim"), Fixtures.At("random-mixtral"), Fixtures.TinyMixtral,
    ];

    public static TheoryData<string, int> FoldersAndStages =>
        new(from folder in Folders from stages in Enumerable.Range(1, 3) select (Path.GetRelativePath(Fixtures.RepositoryRoot, folder), stages));

    [Theory]
    [MemberData(nameof(FoldersAndStages))]
    public void Open_AnySplit_PartitionsTheCheckpoint(string folder, int stages)
    {
        var directory = Path.Combine(Fixtures.RepositoryRoot, folder);
        var config = ModelConfigFile.Read(directory).Config;
        var stored = StoredTensor.ReadAll(directory);
        foreach (var shard in Shards.Of(config, stages))
        {
            var progress = new Total();
            using var checkpoint = Checkpoint.Open(directory, config, shard, null, progress);
            foreach (var slot in checkpoint.Slots)
            {
                // Removing proves that no two shards hold the same tensor.
                Assert.True(stored.Remove(TensorNames.Of(slot, CheckpointLayout.HuggingFace), out var expected));
                Assert.Equal(expected.Data, checkpoint.ReadAll(slot));
            }

            checkpoint.Finish();
            Assert.Equal(checkpoint.TotalBytes, progress.Bytes);
        }

        Assert.Empty(stored);
    }

    [Fact]
    public void Open_FourStages_PartitionTheCheckpoint() => Open_AnySplit_PartitionsTheCheckpoint("models/tiny-mixtral", 4);

    [Fact]
    public void Open_Split_PutsEmbeddingFirstAndHeadLast()
    {
        var config = ModelConfigFile.Read(Fixtures.TinyMixtral).Config;
        TensorKind[] outside = [TensorKind.Embedding, TensorKind.FinalNorm, TensorKind.Head];
        var found = Shards.Of(config, 4).Select(shard =>
        {
            using var checkpoint = Checkpoint.Open(Fixtures.TinyMixtral, config, shard, null, null);
            return checkpoint.Slots.Select(slot => slot.Kind).Where(outside.Contains).ToArray();
        });
        Assert.Equal([[TensorKind.Embedding], [], [], [TensorKind.FinalNorm, TensorKind.Head]], found);
    }

    [Fact]
    public void Open_ConsolidatedTwin_GivesIdenticalRuntimeWeights()
    {
        var config = ModelConfigFile.Read(Fixtures.At("random-mistral")).Config;
        var twinConfig = ModelConfigFile.Read(Fixtures.At("random-mistral-consolidated")).Config;
        using var huggingFace = Checkpoint.Open(Fixtures.At("random-mistral"), config, Shards.Whole(config), null, null);
        using var mistral = Checkpoint.Open(Fixtures.At("random-mistral-consolidated"), twinConfig, Shards.Whole(twinConfig), null, null);

        Assert.Equal((CheckpointLayout.HuggingFace, CheckpointLayout.Mistral), (huggingFace.Layout, mistral.Layout));
        AssertSameWeights(huggingFace, mistral);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(16)]
    [InlineData(128)]
    public void CopyRows_InterleavedQueryAndKey_ComeOutInHalves(int headDim)
    {
        var config = CheckpointDirectory.Dense with { HeadDim = headDim };
        var weights = CheckpointDirectory.RandomWeights(config, seed: headDim);
        using var folder = new CheckpointDirectory().Write("consolidated.safetensors", CheckpointDirectory.ToMistral(config, weights));
        using var checkpoint = Checkpoint.Open(folder.Path, config, Shards.Whole(config), null, null);

        AssertWeights(weights, checkpoint);
    }

    [Fact]
    public void CopyRows_SparseMistralLayout_EqualsHuggingFace() => AssertTwin(
        CheckpointDirectory.ToMistral, CheckpointLayout.Mistral, CheckpointDirectory.Sparse, seed: 2);

    [Fact]
    public void CopyRows_StackedExperts_EqualHuggingFace() => AssertTwin(
        CheckpointDirectory.ToStackedExperts, CheckpointLayout.MistralStackedExperts, CheckpointDirectory.Sparse, seed: 3);

    [Fact]
    public void CopyRows_StackedExpertsWiderThanATile_EqualHuggingFace() => AssertTwin(
        CheckpointDirectory.ToStackedExperts, CheckpointLayout.MistralStackedExperts,
        CheckpointDirectory.Sparse with { HiddenSize = 100 }, seed: 4);

    [Theory]
    [InlineData(CheckpointLayout.HuggingFace)]
    [InlineData(CheckpointLayout.Mistral)]
    [InlineData(CheckpointLayout.MistralStackedExperts)]
    public void CopyRows_RowByRowOrInBlocks_EqualsTheWhole(CheckpointLayout layout)
    {
        var config = CheckpointDirectory.Sparse;
        using var folder = CheckpointDirectory.Of(config, layout, CheckpointDirectory.RandomWeights(config, seed: 5));
        using var checkpoint = Checkpoint.Open(folder.Path, config, Shards.Whole(config), null, null);
        foreach (var slot in checkpoint.Slots)
        {
            var whole = checkpoint.ReadAll(slot, ElementType.Float32);
            var (shape, position) = (checkpoint.ShapeOf(slot), 0L);
            for (var count = 1L; position < shape.Rows; position += count, count = Math.Min(count + 2, shape.Rows - position))
            {
                var rows = new byte[count * shape.Columns * 4];
                checkpoint.CopyRows(slot, position, count, rows, ElementType.Float32);
                Assert.Equal(whole.Skip((int)(position * shape.Columns * 4)).Take(rows.Length), rows);
            }
        }
    }

    [Fact]
    public void CopyRows_FromManyThreads_ReadsEverythingOnce()
    {
        var config = CheckpointDirectory.Sparse;
        var weights = CheckpointDirectory.RandomWeights(config, seed: 6);
        using var folder = new CheckpointDirectory().Write("consolidated.safetensors", CheckpointDirectory.ToStackedExperts(config, weights));
        var progress = new Total();
        using var checkpoint = Checkpoint.Open(folder.Path, config, Shards.Whole(config), null, progress);

        var rows = checkpoint.Slots.SelectMany(slot => Enumerable.Range(0, (int)checkpoint.ShapeOf(slot).Rows).Select(row => (slot, row)));
        Parallel.ForEach(rows, item =>
        {
            var row = new byte[checkpoint.ShapeOf(item.slot).Columns * 2];
            checkpoint.CopyRows(item.slot, item.row, 1, row, ElementType.BFloat16);
            var expected = weights[TensorNames.Of(item.slot, CheckpointLayout.HuggingFace)].Data.AsSpan(item.row * row.Length, row.Length);
            Assert.True(expected.SequenceEqual(row));
        });

        checkpoint.Finish();
        Assert.Equal(checkpoint.TotalBytes, progress.Bytes);
    }

    [Fact]
    public void Open_TiedEmbeddings_LastShardReadsTheEmbeddingAsItsHead()
    {
        var config = CheckpointDirectory.Dense with { TiedEmbeddings = true };
        var weights = CheckpointDirectory.RandomWeights(config, seed: 7);
        using var folder = new CheckpointDirectory().Write("model.safetensors", weights);
        using var last = Checkpoint.Open(folder.Path, config, Shards.Of(config, 2)[1], null, null);

        Assert.DoesNotContain("lm_head.weight", weights.Keys);
        Assert.Equal(weights["model.embed_tokens.weight"].Data, last.ReadAll(TensorSlot.OfModel(TensorKind.Head)));
    }

    [Fact]
    public void Open_RotaryTable_IsIgnored()
    {
        var weights = CheckpointDirectory.RandomWeights(CheckpointDirectory.Dense, seed: 8);
        weights["model.layers.1.self_attn.rotary_emb.inv_freq"] = new StoredTensor("F32", [8], new byte[32]);
        using var folder = new CheckpointDirectory().Write("model.safetensors", weights);
        using var checkpoint = Checkpoint.Open(folder.Path, CheckpointDirectory.Dense, Shards.Whole(CheckpointDirectory.Dense), null, null);

        AssertWeights(weights, checkpoint);
    }

    private static void AssertTwin(
        Func<ModelConfig, IReadOnlyDictionary<string, StoredTensor>, SortedDictionary<string, StoredTensor>> convert,
        CheckpointLayout layout, ModelConfig config, int seed)
    {
        var weights = CheckpointDirectory.RandomWeights(config, seed);
        using var folder = new CheckpointDirectory().Write("consolidated.00.safetensors", convert(config, weights));
        foreach (var shard in Shards.Of(config, 2))
        {
            using var checkpoint = Checkpoint.Open(folder.Path, config, shard, null, null);
            Assert.Equal(layout, checkpoint.Layout);
            AssertWeights(weights, checkpoint);
        }
    }

    private static void AssertWeights(SortedDictionary<string, StoredTensor> expected, Checkpoint checkpoint)
    {
        foreach (var slot in checkpoint.Slots)
        {
            Assert.Equal(expected[TensorNames.Of(slot, CheckpointLayout.HuggingFace)].Data, checkpoint.ReadAll(slot));
        }

        checkpoint.Finish();
    }

    private static void AssertSameWeights(Checkpoint one, Checkpoint other)
    {
        Assert.Equal(one.Slots, other.Slots);
        Assert.All(one.Slots, slot => Assert.Equal(one.ReadAll(slot), other.ReadAll(slot)));
        one.Finish();
        other.Finish();
    }

    private sealed class Total : IProgress<long>
    {
        private long _bytes;

        public long Bytes => _bytes;

        public void Report(long value) => Interlocked.Add(ref _bytes, value);
    }
}
