using Pipeline.Model.Checkpoints;
using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Tests.Checkpoints;

public class CheckpointErrorTests
{
    private const string Query = "model.layers.1.self_attn.q_proj.weight";

    private static readonly ModelConfig Config = CheckpointDirectory.Dense;

    private readonly SortedDictionary<string, StoredTensor> _weights = CheckpointDirectory.RandomWeights(Config, seed: 1);

    [Fact]
    public void Open_MissingTensor_NamesItAndTheFile()
    {
        _weights.Remove(Query);
        Fails($"tensor {Query} is missing; a model of 2 layers without experts needs it", "model.safetensors");
    }

    [Fact]
    public void Open_TensorMissingFromAnotherShard_IsThatShardsAffair()
    {
        _weights.Remove(Query);
        using var folder = new CheckpointDirectory().Write("model.safetensors", _weights);
        using var first = Checkpoint.Open(folder.Path, Config, Shards.Of(Config, 2)[0], null, null);
        Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Path, Config, Shards.Of(Config, 2)[1], null, null));
    }

    [Theory]
    [InlineData("64, 25")]
    [InlineData("24, 64")]
    [InlineData("1536")]
    [InlineData("64, 24, 1")]
    public void Open_WrongShape_NamesBothShapes(string shapeText)
    {
        long[] shape = [.. shapeText.Split(", ").Select(long.Parse)];
        var data = new byte[shape.Aggregate(2L, (product, dimension) => product * dimension)];
        _weights[Query] = new StoredTensor("BF16", shape, data);
        Fails($"tensor {Query} has shape [{shapeText}]; the configuration asks for [64, 24]", "model.safetensors");
    }

    [Fact]
    public void Open_VectorStoredAsMatrix_IsAWrongShape()
    {
        _weights["model.norm.weight"] = _weights["model.norm.weight"] with { Shape = [1, 24] };
        Fails("tensor model.norm.weight has shape [1, 24]; the configuration asks for [24]");
    }

    [Fact]
    public void Open_UnknownTensor_NamesIt()
    {
        _weights["model.layers.0.self_attn.q_proj.bias"] = new StoredTensor("BF16", [1], new byte[2]);
        Fails("holds model.layers.0.self_attn.q_proj.bias, which a model of 2 layers without experts does not have (layout HuggingFace)", "model.safetensors");
    }

    [Fact]
    public void Open_MoreLayersThanConfigured_NamesSomeAndCountsTheRest()
    {
        foreach (var (name, tensor) in _weights.Where(entry => entry.Key.Contains("layers.1.", StringComparison.Ordinal)).ToList())
        {
            _weights.Add(name.Replace("layers.1.", "layers.2.", StringComparison.Ordinal), tensor);
        }

        Fails("holds model.layers.2.input_layernorm.weight, which a model of 2 layers without experts does not have; nor these:");
        Fails("and 4 more");
    }

    [Fact]
    public void Open_HeadBesideTiedEmbeddings_IsUnknown()
    {
        using var folder = new CheckpointDirectory().Write("model.safetensors", _weights);
        var tied = Config with { TiedEmbeddings = true };
        var error = Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Path, tied, Shards.Whole(tied), null, null));
        Assert.Contains("holds lm_head.weight, which a model of 2 layers without experts and tied embeddings does not have", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_QuantisedTensor_NamesItsType()
    {
        _weights[Query] = new StoredTensor("F8_E4M3", [64, 24], new byte[64 * 24]);
        Fails($"tensor {Query} is F8_E4M3; weights must be BF16, F16 or F32", "model.safetensors");
    }

    [Fact]
    public void Open_NoEmbeddingInAnyLayout_SaysSo()
    {
        _weights.Remove("model.embed_tokens.weight");
        Fails("hold no token embedding: neither model.embed_tokens.weight nor tok_embeddings.weight", "model.safetensors");
    }

    [Fact]
    public void Open_TensorInTwoFiles_NamesBoth()
    {
        using var folder = new CheckpointDirectory().WriteSharded(_weights);
        folder.Write("model-00001-of-00002.safetensors", _weights);
        var error = Fails(folder, "is in");
        Assert.Contains("model-00001-of-00002.safetensors", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_TensorInTwoConsolidatedFiles_NamesBoth()
    {
        var mistral = CheckpointDirectory.ToMistral(Config, _weights);
        using var folder = new CheckpointDirectory().Write("consolidated.00.safetensors", mistral).Write("consolidated.01.safetensors", mistral.Take(1));
        var error = Fails(folder, $"tensor {mistral.Keys.First()} is in two files: ");
        Assert.Contains("consolidated.00.safetensors and", error.Message, StringComparison.Ordinal);
        Assert.Contains("consolidated.01.safetensors", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_IndexDoesNotNameATensor_SaysSo()
    {
        using var folder = new CheckpointDirectory().WriteSharded(_weights).EditIndex(map => map.Remove(Query));
        Fails(folder, $"tensor {Query} is in {folder.At("model-0000")}", "model.safetensors.index.json does not name it");
    }

    [Fact]
    public void Open_IndexNamesTheWrongFile_SaysSo()
    {
        using var folder = new CheckpointDirectory().WriteSharded(_weights);
        folder.EditIndex(map => map[Query] = map[Query]!.GetValue<string>().Contains("00001-", StringComparison.Ordinal)
            ? "model-00002-of-00002.safetensors"
            : "model-00001-of-00002.safetensors");
        Fails(folder, $"tensor {Query} is in ", "says it is in model-0000");
    }

    [Fact]
    public void Open_IndexNamesATensorThatIsNowhere_SaysSo()
    {
        using var folder = new CheckpointDirectory().WriteSharded(_weights).EditIndex(map => map["ghost"] = "model-00001-of-00002.safetensors");
        Fails(folder, "says that tensor ghost is in ", "model-00001-of-00002.safetensors, but it is not");
    }

    [Fact]
    public void Open_DamagedFileAmongOthers_NamesIt()
    {
        using var folder = new CheckpointDirectory().WriteSharded(_weights);
        File.WriteAllBytes(folder.At("model-00002-of-00002.safetensors"), [1, 2, 3]);
        Fails(folder, $"{folder.At("model-00002-of-00002.safetensors")} is not a safetensors file or is truncated");
    }

    [Fact]
    public void Finish_WeightNeverRead_NamesTensorAndFile()
    {
        using var folder = new CheckpointDirectory().Write("model.safetensors", _weights);
        using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null);
        var forgotten = TensorSlot.OfLayer(TensorKind.UpProjection, 1);
        foreach (var slot in checkpoint.Slots.Where(slot => slot != forgotten))
        {
            checkpoint.ReadAll(slot);
        }

        var error = Assert.Throws<CheckpointException>(checkpoint.Finish);
        Assert.Contains(
            $"1 of 21 weights were not read in full; the first is model.layers.1.mlp.up_proj.weight of {folder.At("model.safetensors")}: 40 of 40 rows",
            error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Finish_OneRowReadTwiceInsteadOfAnother_IsNoticed()
    {
        using var folder = new CheckpointDirectory().Write("model.safetensors", _weights);
        using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null);
        var slot = TensorSlot.OfModel(TensorKind.Embedding);
        foreach (var other in checkpoint.Slots.Where(other => other != slot))
        {
            checkpoint.ReadAll(other);
        }

        checkpoint.CopyRows(slot, 0, 49, new byte[49 * 24 * 2], ElementType.BFloat16);
        checkpoint.CopyRows(slot, 0, 1, new byte[24 * 2], ElementType.BFloat16);
        var error = Assert.Throws<CheckpointException>(checkpoint.Finish);
        Assert.Contains("1 of 50 rows", error.Message, StringComparison.Ordinal);

        checkpoint.CopyRows(slot, 49, 1, new byte[24 * 2], ElementType.BFloat16);
        checkpoint.Finish();
    }

    [Fact]
    public void CopyRows_WeightOfAnotherShard_IsRefused()
    {
        using var folder = new CheckpointDirectory().Write("model.safetensors", _weights);
        using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Of(Config, 2)[0], null, null);
        var error = Assert.Throws<CheckpointException>(() =>
            checkpoint.CopyRows(TensorSlot.OfLayer(TensorKind.AttentionNorm, 1), 0, 1, new byte[48], ElementType.BFloat16));
        Assert.Contains("AttentionNorm of layer 1 is not a weight of this shard", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(50, 1)]
    [InlineData(0, 51)]
    [InlineData(49, long.MaxValue)]
    [InlineData(0, -1)]
    public void CopyRows_RowsOutsideTheWeight_AreRefused(long start, long count)
    {
        using var folder = new CheckpointDirectory().Write("model.safetensors", _weights);
        using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            checkpoint.CopyRows(TensorSlot.OfModel(TensorKind.Embedding), start, count, new byte[48], ElementType.BFloat16));
    }

    [Fact]
    public void CopyRows_DestinationOfAnotherLength_IsRefused()
    {
        using var folder = new CheckpointDirectory().Write("model.safetensors", _weights);
        using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null);
        var error = Assert.Throws<ArgumentException>(() =>
            checkpoint.CopyRows(TensorSlot.OfModel(TensorKind.Embedding), 0, 2, new byte[48], ElementType.BFloat16));
        Assert.Contains("2 rows of Embedding take 96 bytes as BFloat16; the destination has 48", error.Message, StringComparison.Ordinal);
    }

    private void Fails(params string[] expected)
    {
        using var folder = new CheckpointDirectory().Write("model.safetensors", _weights);
        Fails(folder, expected);
    }

    private static CheckpointException Fails(CheckpointDirectory folder, params string[] expected)
    {
        var error = Assert.Throws<CheckpointException>(() => Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null));
        Assert.All(expected, text => Assert.Contains(text, error.Message, StringComparison.Ordinal));
        return error;
    }
}
