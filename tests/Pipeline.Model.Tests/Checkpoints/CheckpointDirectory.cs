using System.Text.Json.Nodes;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Tests.Checkpoints;

/// <summary>A checkpoint folder for one test, gone afterwards: a small random model written in any layout, and damaged on demand.</summary>
internal sealed class CheckpointDirectory : IDisposable
{
    private const string IndexName = "model.safetensors.index.json";

    public static readonly ModelConfig Dense = new()
    {
        Name = "small",
        HiddenSize = 24,
        LayerCount = 2,
        HeadCount = 4,
        KvHeadCount = 2,
        HeadDim = 16,
        IntermediateSize = 40,
        VocabularySize = 50,
        NormEpsilon = 1e-5,
        RopeTheta = 1e4,
        WindowPattern = [null],
        MaxPositions = 64,
    };

    public static readonly ModelConfig Sparse = Dense with { Moe = new MoeConfig(3, 2) };

    public string Path { get; } = Directory.CreateTempSubdirectory("pipeline-checkpoint-").FullName;

    /// <summary>Random bfloat16 weights under Hugging Face names.</summary>
    public static SortedDictionary<string, StoredTensor> RandomWeights(ModelConfig config, int seed) => RandomWeights(config, seed, "BF16");

    /// <summary>Random bits of any type, so that nothing is missing: infinities, NaN, subnormals.</summary>
    public static SortedDictionary<string, StoredTensor> RandomWeights(ModelConfig config, int seed, string type)
    {
        var random = new Random(seed);
        var weights = new SortedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var slot in ModelTensors.Of(config))
        {
            var shape = ModelTensors.ShapeOf(config, slot.Kind);
            var data = new byte[shape.ElementCount * (type == "F32" ? 4 : 2)];
            random.NextBytes(data);
            weights.Add(TensorNames.Of(slot, CheckpointLayout.HuggingFace), new StoredTensor(type, [.. shape.Dimensions], data));
        }

        return weights;
    }

    /// <summary>
    /// The same model in Mistral's own layout. Written from the format's description: in each head, row 2i + j of the file is
    /// row j * headDim/2 + i of a model that rotates halves.
    /// </summary>
    public static SortedDictionary<string, StoredTensor> ToMistral(
        ModelConfig config, IReadOnlyDictionary<string, StoredTensor> weights)
    {
        var result = new SortedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var slot in ModelTensors.Of(config))
        {
            var tensor = weights[TensorNames.Of(slot, CheckpointLayout.HuggingFace)];
            result.Add(
                TensorNames.Of(slot, CheckpointLayout.Mistral),
                slot.Kind is TensorKind.QueryProjection or TensorKind.KeyProjection
                    ? tensor.Permute(row => HalfRowOf(row, config.HeadDim))
                    : tensor);
        }

        return result;
    }

    /// <summary>The early Mixtral form: a layer's experts stacked, their second projections transposed.</summary>
    public static SortedDictionary<string, StoredTensor> ToStackedExperts(
        ModelConfig config, IReadOnlyDictionary<string, StoredTensor> weights)
    {
        var result = new SortedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var (name, tensor) in ToMistral(config, weights).Where(entry => !entry.Key.Contains(".experts.", StringComparison.Ordinal)))
        {
            result.Add(name.Replace("feed_forward.gate", "block_sparse_moe.gate", StringComparison.Ordinal), tensor);
        }

        for (var layer = 0; layer < config.LayerCount; layer++)
        {
            foreach (var projection in (string[])["w1", "w2", "w3"])
            {
                var experts = Enumerable.Range(0, config.Moe!.ExpertCount)
                    .Select(expert => weights[$"model.layers.{layer}.block_sparse_moe.experts.{expert}.{projection}.weight"])
                    .Select(tensor => projection == "w2" ? tensor.Transpose() : tensor);
                result.Add($"layers.{layer}.block_sparse_moe.{projection}", StoredTensor.Stack([.. experts]));
            }
        }

        return result;
    }

    /// <summary>The model's files in a layout, of Hugging Face's weights.</summary>
    public static CheckpointDirectory Of(ModelConfig config, CheckpointLayout layout, SortedDictionary<string, StoredTensor> weights) => layout switch
    {
        CheckpointLayout.HuggingFace => new CheckpointDirectory().WriteSharded(weights),
        CheckpointLayout.Mistral => new CheckpointDirectory().Write("consolidated.safetensors", ToMistral(config, weights)),
        _ => new CheckpointDirectory().Write("consolidated.safetensors", ToStackedExperts(config, weights)),
    };

    public string At(string name) => System.IO.Path.Combine(Path, name);

    public CheckpointDirectory Write(string name, IEnumerable<KeyValuePair<string, StoredTensor>> tensors)
    {
        StoredTensor.WriteFile(At(name), tensors);
        return this;
    }

    public CheckpointDirectory WriteText(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return this;
    }

    /// <summary>Deals the tensors out over two files with an index.</summary>
    public CheckpointDirectory WriteSharded(IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        var files = tensors.Select((entry, i) => (entry, Name: $"model-0000{(i % 2) + 1}-of-00002.safetensors")).GroupBy(item => item.Name).ToList();
        files.ForEach(file => Write(file.Key, file.Select(item => item.entry)));
        var map = files.SelectMany(file => file.Select(item => KeyValuePair.Create(item.entry.Key, (JsonNode?)file.Key)));
        return WriteText(IndexName, new JsonObject { ["weight_map"] = new JsonObject(map) }.ToJsonString());
    }

    public CheckpointDirectory EditIndex(Action<JsonObject> edit)
    {
        var index = JsonNode.Parse(File.ReadAllText(At(IndexName)))!.AsObject();
        edit(index["weight_map"]!.AsObject());
        return WriteText(IndexName, index.ToJsonString());
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static int HalfRowOf(int interleavedRow, int headDim)
    {
        var (head, inHead) = (interleavedRow / headDim, interleavedRow % headDim);
        var (i, j) = (inHead / 2, inHead % 2);
        return (head * headDim) + (j * headDim / 2) + i;
    }
}
