using System.Text.Json.Nodes;

namespace Pipeline.Shared.Tests.Models;

/// <summary>A model folder for one test, gone afterwards.</summary>
internal sealed class ModelFolder : IDisposable
{
    private const string HuggingFace = """
        {
          "model_type": "mistral", "hidden_act": "silu", "hidden_size": 4096, "num_hidden_layers": 32,
          "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 32000,
          "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 4096, "max_position_embeddings": 32768,
          "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": false, "torch_dtype": "bfloat16"
        }
        """;

    private const string Mistral = """
        {
          "dim": 4096, "n_layers": 32, "head_dim": 128, "hidden_dim": 14336, "n_heads": 32, "n_kv_heads": 8,
          "norm_eps": 1e-05, "vocab_size": 32000, "sliding_window": 4096
        }
        """;

    public string Path { get; } = Directory.CreateTempSubdirectory("pipeline-model-").FullName;

    /// <summary>A folder with the <c>config.json</c> of Mistral 7B v0.1, changed field by field; a change to "" removes the field.</summary>
    public static ModelFolder WithConfig(params (string Field, string Json)[] changes) =>
        new ModelFolder().Write("config.json", Change(HuggingFace, changes));

    /// <summary>The same for <c>params.json</c>.</summary>
    public static ModelFolder WithParams(params (string Field, string Json)[] changes) =>
        new ModelFolder().Write("params.json", Change(Mistral, changes));

    public ModelFolder Write(string name, string text)
    {
        File.WriteAllText(System.IO.Path.Combine(Path, name), text);
        return this;
    }

    public ModelFolder Touch(params string[] names) => names.Aggregate(this, (folder, name) => folder.Write(name, ""));

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static string Change(string json, (string Field, string Json)[] changes)
    {
        var root = JsonNode.Parse(json)!.AsObject();
        foreach (var (field, value) in changes)
        {
            root.Remove(field);
            if (value.Length > 0)
            {
                root.Add(field, JsonNode.Parse(value));
            }
        }

        return root.ToJsonString();
    }
}
