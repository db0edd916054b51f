using System.Runtime.InteropServices;
using Pipeline.Model.Checkpoints;
using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Tests.Checkpoints;

public class DummyWeightsTests
{
    private static readonly ModelConfig Config = CheckpointDirectory.Sparse with { LayerCount = 5, HiddenSize = 96, VocabularySize = 300 };

    private static readonly TensorSlot Embedding = TensorSlot.OfModel(TensorKind.Embedding);

    [Fact]
    public void CopyRows_AnySplit_GivesTheSameModel()
    {
        var whole = Read(new DummyWeights(Config, Shards.Whole(Config), seed: 42, null));
        for (var stages = 2; stages <= 5; stages++)
        {
            var parts = Shards.Of(Config, stages).SelectMany(shard => Read(new DummyWeights(Config, shard, 42, null)));
            Assert.Equal(whole.Keys, parts.Select(part => part.Key));
            Assert.All(parts, part => Assert.Equal(whole[part.Key], part.Value));
        }
    }

    [Fact]
    public void CopyRows_RowByRow_EqualsTheWhole()
    {
        using var source = new DummyWeights(Config, Shards.Whole(Config), seed: 1, null);
        var whole = source.ReadAll(Embedding);
        foreach (var row in (int[])[0, 1, 22, 150, 299])
        {
            var bytes = new byte[96 * 2];
            source.CopyRows(Embedding, row, 1, bytes, ElementType.BFloat16);
            Assert.Equal(whole.Skip(row * bytes.Length).Take(bytes.Length), bytes);
        }
    }

    [Fact]
    public void CopyRows_AsFloat32_IsTheSameModel()
    {
        using var source = new DummyWeights(Config, Shards.Whole(Config), seed: 1, null);
        var floats = MemoryMarshal.Cast<byte, float>(source.ReadAll(Embedding, ElementType.Float32)).ToArray();
        var words = MemoryMarshal.Cast<byte, ushort>(source.ReadAll(Embedding, ElementType.BFloat16)).ToArray();
        Assert.Equal(words.Select(word => (uint)word << 16), floats.Select(BitConverter.SingleToUInt32Bits));
    }

    [Fact]
    public void CopyRows_OtherSeedOrWeight_GivesOtherNumbers()
    {
        using var one = new DummyWeights(Config, Shards.Whole(Config), seed: 1, null);
        using var two = new DummyWeights(Config, Shards.Whole(Config), seed: 2, null);
        var all = one.Slots.Where(slot => !one.ShapeOf(slot).IsVector)
            .SelectMany(slot => (string[])[Convert.ToHexString(FirstRow(one, slot)), Convert.ToHexString(FirstRow(two, slot))])
            .ToList();
        Assert.Equal(all.Count, all.Distinct().Count());
    }

    [Fact]
    public void CopyRows_Projections_AreNearlyNormal()
    {
        using var source = new DummyWeights(Config with { WeightType = ElementType.Float32 }, Shards.Whole(Config), seed: 3, null);
        var numbers = MemoryMarshal.Cast<byte, float>(source.ReadAll(Embedding, ElementType.Float32)).ToArray();
        var deviation = Math.Sqrt(numbers.Average(number => (double)number * number));

        // 28,800 numbers: the mean strays by 0.00012, the deviation by 0.00008.
        Assert.InRange(numbers.Average(), -0.0006, 0.0006);
        Assert.InRange(deviation, 0.0196, 0.0204);
        Assert.InRange(numbers.Max(Math.Abs), 0.055f, 0.0694f);
        Assert.InRange(numbers.Count(number => Math.Abs(number) < 0.02) / (double)numbers.Length, 0.65, 0.69);
        Assert.InRange(numbers.Zip(numbers.Skip(1), (a, b) => (double)a * b).Average() / (deviation * deviation), -0.03, 0.03);
    }

    [Fact]
    public void CopyRows_Norms_AreNearOneButNotOne()
    {
        using var source = new DummyWeights(Config, Shards.Whole(Config), seed: 3, null);
        foreach (var slot in source.Slots.Where(slot => source.ShapeOf(slot).IsVector))
        {
            var numbers = MemoryMarshal.Cast<byte, float>(source.ReadAll(slot, ElementType.Float32)).ToArray();
            Assert.All(numbers, number => Assert.InRange(number, 0.92f, 1.08f));
            Assert.True(numbers.Distinct().Count() > 5);
        }
    }

    [Fact]
    public void CopyRows_KnownSeed_IsTheSameOnEveryMachine()
    {
        var config = Config with { WeightType = ElementType.Float32 };
        using var source = new DummyWeights(config, Shards.Whole(config), seed: 7, null);
        var row = new float[96];
        source.CopyRows(Embedding, 299, 1, MemoryMarshal.AsBytes(row.AsSpan()), ElementType.Float32);
        Assert.Equal([0.0039416207f, -0.00578213623f, -0.0240604319f, -0.0166888554f], row[..4]);
    }

    [Fact]
    public void CopyRows_TiedHead_EqualsTheEmbedding()
    {
        var config = Config with { TiedEmbeddings = true };
        using var first = new DummyWeights(config, Shards.Of(config, 2)[0], seed: 1, null);
        using var last = new DummyWeights(config, Shards.Of(config, 2)[1], seed: 1, null);
        Assert.Equal(first.ReadAll(Embedding), last.ReadAll(TensorSlot.OfModel(TensorKind.Head)));
    }

    [Fact]
    public void Finish_WeightNeverRead_NamesIt()
    {
        using var source = new DummyWeights(Config, Shards.Of(Config, 5)[2], seed: 1, null);
        var error = Assert.Throws<CheckpointException>(source.Finish);
        Assert.Contains("16 of 16 weights were not read in full; the first is AttentionNorm of layer 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TotalBytes_IsWhatTheModelWeighs() => Assert.Equal(
        new ModelSize(Config).TotalBytes, new DummyWeights(Config, Shards.Whole(Config), seed: 1, null).TotalBytes);

    private static Dictionary<TensorSlot, byte[]> Read(DummyWeights source)
    {
        var all = source.Slots.ToDictionary(slot => slot, slot => source.ReadAll(slot));
        source.Finish();
        return all;
    }

    private static byte[] FirstRow(DummyWeights source, TensorSlot slot)
    {
        var row = new byte[source.ShapeOf(slot).Columns * 2];
        source.CopyRows(slot, 0, 1, row, ElementType.BFloat16);
        return row;
    }
}
