using Pipeline.Shared.Models;
using Pipeline.TestKit;

namespace Pipeline.Shared.Tests.Models;

public class ModelConfigFileTests
{
    [Fact]
    public void Read_TinyMixtral_GivesEveryField()
    {
        var file = ModelConfigFile.Read(Fixtures.TinyMixtral);

        Assert.Equal(Path.Combine(Fixtures.TinyMixtral, "config.json"), file.Path);
        Assert.Empty(file.Notes);
        var expected = new ModelConfig
        {
            Name = "tiny-mixtral",
            HiddenSize = 192,
            LayerCount = 8,
            HeadCount = 6,
            KvHeadCount = 2,
            HeadDim = 32,
            IntermediateSize = 256,
            VocabularySize = 2048,
            NormEpsilon = 1e-5,
            RopeTheta = 1e4,
            WindowPattern = file.Config.WindowPattern,
            Moe = new MoeConfig(4, 2),
            MaxPositions = 4096,
            EosTokenIds = file.Config.EosTokenIds,
            WeightType = ElementType.BFloat16,
        };
        Assert.Equal(expected, file.Config);
        Assert.Equal([64], file.Config.WindowPattern);
        Assert.Equal([2], file.Config.EosTokenIds);
    }

    [Fact]
    public void Read_BothFormatsOfOneModel_AgreeInShape()
    {
        var huggingFace = ModelConfigFile.Read(Fixtures.At("random-mistral")).Config;
        var mistral = ModelConfigFile.Read(Fixtures.At("random-mistral-consolidated")).Config;

        // What params.json does not say: the longest sequence and the element type.
        var same = mistral with { MaxPositions = huggingFace.MaxPositions, WeightType = huggingFace.WeightType };
        Assert.Equal(ModelFingerprint.Of(huggingFace), ModelFingerprint.Of(same));
        Assert.Equal(128_000, mistral.MaxPositions);
    }

    [Fact]
    public void Read_HeadDimApartFromHiddenSize_IsKept()
    {
        var config = ModelConfigFile.Read(Fixtures.At("random-mistral-nowindow-headdim")).Config;

        Assert.Equal((64, 4, 32), (config.HiddenSize, config.HeadCount, config.HeadDim));
        Assert.Equal([null], config.WindowPattern);
        Assert.Equal(ElementType.Float32, config.WeightType);
    }

    [Fact]
    public void Read_TrailingSeparator_StillNamesTheModel()
    {
        Assert.Equal("tiny-mixtral", ModelConfigFile.Read(Fixtures.TinyMixtral + Path.DirectorySeparatorChar).Config.Name);
    }

    [Theory]
    [InlineData("config.json", "there are no weights")]
    [InlineData("config.json", "model-00001-of-00003.safetensors and others", "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors")]
    [InlineData("config.json", "model.safetensors", "model.safetensors", "consolidated.safetensors")]
    [InlineData("params.json", "consolidated.safetensors", "consolidated.safetensors")]
    [InlineData("params.json", "consolidated.safetensors", "consolidated.safetensors", "model.safetensors.index.json")]
    [InlineData("config.json", "there are no weights", "consolidated.00.pth")]
    public void Read_BothFiles_TakesTheOneOfTheWeights(string expected, string because, params string[] weights)
    {
        using var folder = ModelFolder.WithConfig().Touch(weights);
        using var other = ModelFolder.WithParams();
        File.Copy(Path.Combine(other.Path, "params.json"), Path.Combine(folder.Path, "params.json"));

        var file = ModelConfigFile.Read(folder.Path);

        Assert.Equal(expected, Path.GetFileName(file.Path));
        var note = Assert.Single(file.Notes, note => note.StartsWith("both", StringComparison.Ordinal));
        Assert.Contains($"{expected} is used", note, StringComparison.Ordinal);
        Assert.Contains(because, note, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_MissingFolder_SaysSo()
    {
        var error = Assert.Throws<ModelConfigException>(() => ModelConfigFile.Read("/no/such/folder"));
        Assert.Contains("/no/such/folder does not exist", error.Message, StringComparison.Ordinal);
        Assert.Contains("mixtral-8x7b", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FileInsteadOfFolder_SaysSo()
    {
        var file = Path.Combine(Fixtures.TinyMixtral, "config.json");
        var error = Assert.Throws<ModelConfigException>(() => ModelConfigFile.Read(file));
        Assert.Contains($"{file} is a file", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_EmptyFolder_SaysSo()
    {
        using var folder = new ModelFolder();
        var error = Assert.Throws<ModelConfigException>(() => ModelConfigFile.Read(folder.Path));
        Assert.Contains($"{folder.Path} is empty", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NeitherFile_NamesBothAndWhatIsThere()
    {
        using var folder = new ModelFolder().Touch("tokenizer.model");
        var error = Assert.Throws<ModelConfigException>(() => ModelConfigFile.Read(folder.Path));
        Assert.Contains("neither config.json (Hugging Face) nor params.json (Mistral)", error.Message, StringComparison.Ordinal);
        Assert.Contains("tokenizer.model", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "is not valid JSON: line 1, column 1:")]
    [InlineData("{\n \"hidden_size\": 1,\n oops\n}", "is not valid JSON: line 3, column 2:")]
    [InlineData("{\n \"hidden_size\": 1,\n \"hidden_size\": 2 }", "Duplicate property 'hidden_size'")]
    [InlineData("[1]", "must hold a JSON object, it holds [1]")]
    public void Read_BrokenJson_SaysWhere(string json, string expected)
    {
        using var folder = new ModelFolder().Write("config.json", json);
        var error = Assert.Throws<ModelConfigException>(() => ModelConfigFile.Read(folder.Path));
        Assert.Contains(Path.Combine(folder.Path, "config.json"), error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}
