using Pipeline.Shared.Models;

namespace Pipeline.Shared.Tests.Models;

public class MistralParamsTests
{
    /// <summary>The fields in which the released params.json differ: name, then field and JSON alternating.</summary>
    public static TheoryData<string, string[]> Releases => new()
    {
        { "mistral-7b-v0.1", [] },
        { "mistral-7b-v0.2", ["rope_theta", "1e6", "sliding_window", ""] },
        { "mistral-7b-v0.3", ["rope_theta", "1000000.0", "sliding_window", "null", "vocab_size", "32768"] },
        { "mixtral-8x7b", ["sliding_window", "", "moe", """{"num_experts_per_tok": 2, "num_experts": 8}"""] },
        {
            "mixtral-8x22b",
            ["dim", "6144", "n_layers", "56", "hidden_dim", "16384", "n_heads", "48", "rope_theta", "1e6", "sliding_window", "null",
                "moe", """{"num_experts_per_tok": 2, "num_experts": 8}"""]
        },
        {
            "mistral-nemo-12b",
            ["dim", "5120", "n_layers", "40", "vocab_size", "131072", "rope_theta", "1e6", "sliding_window", "null"]
        },
        {
            "mistral-small-22b",
            ["dim", "6144", "n_layers", "56", "hidden_dim", "16384", "n_heads", "48", "vocab_size", "32768", "rope_theta", "1e6",
                "sliding_window", "null"]
        },
        {
            "mistral-small-24b",
            ["dim", "5120", "n_layers", "40", "hidden_dim", "32768", "vocab_size", "131072", "rope_theta", "1e8", "sliding_window", ""]
        },
        {
            "ministral-8b",
            ["n_layers", "36", "hidden_dim", "12288", "vocab_size", "131072", "rope_theta", "1e8", "sliding_window", "",
                "_sliding_window", "[null, 32768, 32768, 32768]"]
        },
        {
            "mistral-large-2",
            ["dim", "12288", "n_layers", "88", "hidden_dim", "28672", "n_heads", "96", "vocab_size", "32768", "rope_theta", "1e6",
                "sliding_window", "null"]
        },
    };

    [Theory]
    [MemberData(nameof(Releases))]
    public void Read_ReleasedParams_IsTheKnownModel(string name, string[] fields)
    {
        using var folder = ModelFolder.WithParams([.. fields.Chunk(2).Select(pair => (pair[0], pair[1]))]);
        Assert.True(KnownModels.TryGet(name, out var known));

        var config = ModelConfigFile.Read(folder.Path).Config;

        Assert.Equal(ModelFingerprint.Of(known), ModelFingerprint.Of(config with { MaxPositions = known.MaxPositions }));
    }

    [Theory]
    [InlineData("4096", 1e4)]
    [InlineData("null", 1e6)]
    [InlineData("[null, 4]", 1e4)]
    public void Read_ThetaAbsent_FollowsTheWindow(string window, double expected)
    {
        using var folder = ModelFolder.WithParams(("sliding_window", window));
        Assert.Equal(expected, ModelConfigFile.Read(folder.Path).Config.RopeTheta);
    }

    [Fact]
    public void Read_WindowList_RepeatsOverGlobalLayers()
    {
        using var folder = ModelFolder.WithParams(("sliding_window", "[null, 4, 5, 4]"));
        var config = ModelConfigFile.Read(folder.Path).Config;

        Assert.Equal([null, 4, 5, 4], config.WindowPattern);
        Assert.Equal((null, 5, 4), (config.WindowOf(28), config.WindowOf(30), config.WindowOf(31)));
    }

    [Fact]
    public void Read_HeadDimAbsent_IsDerived()
    {
        using var folder = ModelFolder.WithParams(("head_dim", ""));
        Assert.Equal(128, ModelConfigFile.Read(folder.Path).Config.HeadDim);
    }

    [Fact]
    public void Read_MaxSeqLen_IsTheLongestSequence()
    {
        using var folder = ModelFolder.WithParams(("max_seq_len", "8192"));
        Assert.Equal(8192, ModelConfigFile.Read(folder.Path).Config.MaxPositions);
    }

    [Theory]
    [InlineData("dim", "", "dim is missing")]
    [InlineData("n_layers", "100000000", "n_layers must be a whole number from 1 to 1000, it is 100000000")]
    [InlineData("max_seq_len", "2000000000", "max_seq_len must be a whole number from 1 to 100000000")]
    [InlineData("n_kv_heads", "5", "n_heads is 32; it must be a multiple of n_kv_heads, which is 5")]
    [InlineData("moe", """{"num_experts": 8}""", "moe.num_experts_per_tok is missing")]
    [InlineData("moe", """{"num_experts": 8, "num_experts_per_tok": 0}""", "moe.num_experts_per_tok must be")]
    [InlineData("moe", """{"num_experts": 2, "num_experts_per_tok": 3}""", "moe.num_experts_per_tok is 3; there are only 2 experts")]
    [InlineData("_sliding_window", "[null, 4096]", "sliding_window and _sliding_window are both given")]
    [InlineData("quantization", """{"qformat_weight": "fp8_e4m3"}""", "quantization is given (fp8_e4m3)")]
    [InlineData("vision_encoder", """{"image_size": 1024}""", "vision_encoder is given: models with a vision or audio encoder (Pixtral")]
    [InlineData("model_type", "\"mamba\"", "model_type is mamba, a Mamba state-space model")]
    [InlineData("lora", """{"rank": 64}""", "lora is given")]
    [InlineData("yarn", "{}", "yarn is given")]
    [InlineData("use_biases", "true", "use_biases is true")]
    public void Read_UnusableField_NamesFileAndField(string field, string json, string expected)
    {
        using var folder = ModelFolder.WithParams((field, json));
        var error = Assert.Throws<ModelConfigException>(() => ModelConfigFile.Read(folder.Path));
        Assert.StartsWith(Path.Combine(folder.Path, "params.json"), error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}
