using Pipeline.Shared.Models;

namespace Pipeline.Shared.Tests.Models;

public class HuggingFaceConfigTests
{
    [Fact]
    public void Read_Mistral7BV01_IsTheKnownModel()
    {
        using var folder = ModelFolder.WithConfig();
        Assert.True(KnownModels.TryGet("mistral-7b-v0.1", out var known));
        Assert.Equal(ModelFingerprint.Of(known), ModelFingerprint.Of(ModelConfigFile.Read(folder.Path).Config));
    }

    [Theory]
    [InlineData("4096", 1e4, "a sliding window")]
    [InlineData("null", 1e6, "no sliding window")]
    public void Read_ThetaAbsent_FollowsTheWindow(string window, double expected, string because)
    {
        using var folder = ModelFolder.WithConfig(("rope_theta", ""), ("sliding_window", window));
        var file = ModelConfigFile.Read(folder.Path);

        Assert.Equal(expected, file.Config.RopeTheta);
        Assert.Contains(because, Assert.Single(file.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"rope_type": "default", "rope_theta": 5e5}""", "", 5e5)]
    [InlineData("""{"rope_theta": 5e5}""", "500000", 5e5)]
    [InlineData("null", "7", 7)]
    public void Read_Theta_AtTopOrInRopeParameters(string parameters, string top, double expected)
    {
        using var folder = ModelFolder.WithConfig(("rope_parameters", parameters), ("rope_theta", top));
        Assert.Equal(expected, ModelConfigFile.Read(folder.Path).Config.RopeTheta);
    }

    [Fact]
    public void Read_DenseWithoutWindowKey_TakesTheFormatsDefaultAndSaysSo()
    {
        using var folder = ModelFolder.WithConfig(("sliding_window", ""));
        var file = ModelConfigFile.Read(folder.Path);

        Assert.Equal([4096], file.Config.WindowPattern);
        Assert.Contains("sliding_window is absent: 4096", Assert.Single(file.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_SparseWithoutWindowKey_HasNoWindow()
    {
        using var folder = ModelFolder.WithConfig(
            ("model_type", "\"mixtral\""), ("num_local_experts", "8"), ("num_experts_per_tok", "2"), ("sliding_window", ""));
        var config = ModelConfigFile.Read(folder.Path).Config;

        Assert.Equal([null], config.WindowPattern);
        Assert.Equal(new MoeConfig(8, 2), config.Moe);
    }

    [Fact]
    public void Read_LayerTypes_BecomeTheShortestPattern()
    {
        var types = string.Join(',', Enumerable.Range(0, 32).Select(layer => layer % 4 == 0 ? "\"full_attention\"" : "\"sliding_attention\""));
        using var folder = ModelFolder.WithConfig(
            ("model_type", "\"ministral\""), ("sliding_window", "32768"), ("layer_types", $"[{types}]"));
        Assert.Equal([null, 32768, 32768, 32768], ModelConfigFile.Read(folder.Path).Config.WindowPattern);
    }

    [Fact]
    public void Read_HeadDimAbsent_IsDerived()
    {
        using var folder = ModelFolder.WithConfig(("num_attention_heads", "64"));
        Assert.Equal(64, ModelConfigFile.Read(folder.Path).Config.HeadDim);
    }

    [Fact]
    public void Read_SpecialTokensTypesAndTies_AreRead()
    {
        using var folder = ModelFolder.WithConfig(
            ("eos_token_id", "[2, 32, 17]"), ("bos_token_id", "5"), ("tie_word_embeddings", "true"),
            ("torch_dtype", ""), ("dtype", "\"float16\""));
        var config = ModelConfigFile.Read(folder.Path).Config;

        Assert.Equal([2, 32, 17], config.EosTokenIds);
        Assert.Equal((5, true, ElementType.Float16), (config.BosTokenId, config.TiedEmbeddings, config.WeightType));
    }

    [Theory]
    [InlineData("hidden_size", "", "hidden_size is missing")]
    [InlineData("hidden_size", "null", "hidden_size is missing")]
    [InlineData("num_hidden_layers", "", "num_hidden_layers is missing")]
    [InlineData("num_attention_heads", "", "num_attention_heads is missing")]
    [InlineData("num_key_value_heads", "", "num_key_value_heads is missing")]
    [InlineData("intermediate_size", "", "intermediate_size is missing")]
    [InlineData("vocab_size", "", "vocab_size is missing")]
    [InlineData("rms_norm_eps", "", "rms_norm_eps is missing")]
    [InlineData("max_position_embeddings", "", "max_position_embeddings is missing")]
    [InlineData("model_type", "", "model_type is missing")]
    [InlineData("hidden_size", "0", "hidden_size must be a whole number from 1 to 131072, it is 0")]
    [InlineData("hidden_size", "2147483646", "hidden_size must be a whole number from 1 to 131072, it is 2147483646")]
    [InlineData("num_hidden_layers", "100000000", "num_hidden_layers must be a whole number from 1 to 1000, it is 100000000")]
    [InlineData("num_attention_heads", "1000000", "num_attention_heads must be a whole number from 1 to 4096")]
    [InlineData("num_key_value_heads", "1000000", "num_key_value_heads must be a whole number from 1 to 4096")]
    [InlineData("intermediate_size", "2000000", "intermediate_size must be a whole number from 1 to 1048576")]
    [InlineData("vocab_size", "2000000000", "vocab_size must be a whole number from 1 to 16777216")]
    [InlineData("max_position_embeddings", "2000000000", "max_position_embeddings must be a whole number from 1 to 100000000")]
    [InlineData("num_hidden_layers", "-3", "num_hidden_layers must be")]
    [InlineData("num_hidden_layers", "2.5", "it is 2.5")]
    [InlineData("num_hidden_layers", "\"32\"", "it is \"32\"")]
    [InlineData("num_hidden_layers", "99999999999", "it is 99999999999")]
    [InlineData("rms_norm_eps", "0", "rms_norm_eps must be a positive number")]
    [InlineData("rms_norm_eps", "1e999", "rms_norm_eps must be a positive number")]
    [InlineData("rms_norm_eps", "2", "rms_norm_eps is 2; it must be a small number below 1")]
    [InlineData("rope_theta", "-1", "rope_theta must be a positive number")]
    [InlineData("num_key_value_heads", "7", "num_attention_heads is 32; it must be a multiple of num_key_value_heads, which is 7")]
    [InlineData("head_dim", "127", "head_dim is 127; rotary embedding needs an even number")]
    [InlineData("hidden_size", "4097", "head_dim is missing and cannot be derived: hidden_size 4097 / num_attention_heads 32")]
    [InlineData("hidden_size", "4064", "head_dim is missing and cannot be derived")]
    [InlineData("head_dim", "2000000000", "head_dim must be a whole number from 1 to 1024")]
    [InlineData("num_attention_heads", "1", "hidden_size 4096 / num_attention_heads 1 is not an even whole number up to 1024")]
    [InlineData("vocab_size", "2", "vocab_size is 2, but the special tokens reach 2")]
    [InlineData("eos_token_id", "[2, -1]", "eos_token_id must be a token id or a list of them, it is -1")]
    [InlineData("tie_word_embeddings", "1", "tie_word_embeddings must be true or false, it is 1")]
    [InlineData("model_type", "\"llama\"", "model_type is llama, which is not supported; supported are mistral, mixtral, ministral")]
    [InlineData("model_type", "\"mamba2\"", "model_type is mamba2, a Mamba state-space model")]
    [InlineData("model_type", "\"pixtral\"", "model_type is pixtral, a vision model")]
    [InlineData("vision_config", "{}", "vision_config is given: models with a vision or audio encoder (Pixtral")]
    [InlineData("hidden_act", "\"gelu\"", "hidden_act is gelu; supported is silu")]
    [InlineData("quantization_config", """{"quant_method": "gptq"}""", "quantization_config is given (gptq): quantised weights are not supported")]
    [InlineData("quantization", """{"qformat_weight": "fp8_e4m3"}""", "quantization is given (fp8_e4m3)")]
    [InlineData("attention_bias", "true", "attention_bias is true")]
    [InlineData("rope_scaling", """{"type": "yarn", "factor": 4}""", "rope_scaling.type is yarn; supported is default")]
    [InlineData("rope_scaling", """{"factor": 4}""", "rope_scaling.factor is 4; supported is 1")]
    [InlineData("rope_parameters", """{"rope_type": "llama3", "rope_theta": 1e4}""", "rope_parameters.rope_type is llama3")]
    [InlineData("rope_parameters", """{"rope_theta": 2e4}""", "rope_theta is 10000, but rope_parameters.rope_theta is 20000")]
    [InlineData("rope_parameters", """{"full_attention": {}}""", "rope_parameters.full_attention is given")]
    [InlineData("rope_parameters", "3", "rope_parameters must be an object, it is 3")]
    [InlineData("_sliding_window", "7", "sliding_window and _sliding_window are both given")]
    [InlineData("sliding_window", "0", "sliding_window must be")]
    [InlineData("sliding_window", "[null, 4, 4]", "sliding_window has 3 entries; it repeats over 32 layers")]
    [InlineData("sliding_window", "[]", "sliding_window has 0 entries")]
    [InlineData("sliding_window", "[null, 0]", "sliding_window must be")]
    [InlineData("layer_types", """["full_attention"]""", "layer_types has 1 entries; the model has 32 layers")]
    [InlineData("layer_types", "\"full\"", "layer_types must be a list")]
    [InlineData("dtype", "\"float16\"", "dtype is float16, but torch_dtype is bfloat16")]
    [InlineData("torch_dtype", "\"int8\"", "torch_dtype is int8; supported are bfloat16, float16 and float32")]
    [InlineData("num_local_experts", "8", "num_local_experts is given, but only model_type mixtral has experts")]
    public void Read_UnusableField_NamesFileAndField(string field, string json, string expected)
    {
        using var folder = ModelFolder.WithConfig((field, json));
        var error = Assert.Throws<ModelConfigException>(() => ModelConfigFile.Read(folder.Path));
        Assert.StartsWith(Path.Combine(folder.Path, "config.json"), error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "2", "num_local_experts is missing")]
    [InlineData("8", "", "num_experts_per_tok is missing")]
    [InlineData("4000", "2", "num_local_experts must be a whole number from 1 to 1024, it is 4000")]
    [InlineData("8", "9", "num_experts_per_tok is 9; there are only 8 experts (num_local_experts)")]
    public void Read_SparseWithWrongExperts_NamesTheField(string experts, string perToken, string expected)
    {
        using var folder = ModelFolder.WithConfig(
            ("model_type", "\"mixtral\""), ("num_local_experts", experts), ("num_experts_per_tok", perToken));
        var error = Assert.Throws<ModelConfigException>(() => ModelConfigFile.Read(folder.Path));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"chunked_attention\"", "512", "may hold full_attention and sliding_attention, it is \"chunked_attention\"")]
    [InlineData("7", "512", "it is 7")]
    [InlineData("\"sliding_attention\"", "null", "layer_types has sliding_attention, but sliding_window is not given")]
    [InlineData("\"full_attention\"", "[null, 4]", "layer_types and a list in sliding_window are both given")]
    public void Read_ContradictoryLayerTypes_AreRefused(string type, string window, string expected)
    {
        using var folder = ModelFolder.WithConfig(
            ("layer_types", $"[{string.Join(',', Enumerable.Repeat(type, 32))}]"), ("sliding_window", window));
        var error = Assert.Throws<ModelConfigException>(() => ModelConfigFile.Read(folder.Path));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}
