using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;
using Pipeline.TestKit;

namespace Pipeline.Model.Tests.Checkpoints;

public class SafetensorsIndexTests
{
    private static readonly SortedDictionary<string, StoredTensor> Weights =
        CheckpointDirectory.RandomWeights(CheckpointDirectory.Dense, seed: 1);

    [Fact]
    public void Locate_ShardedFixture_FollowsTheIndex()
    {
        var index = SafetensorsIndex.Locate(Fixtures.At("random-mixtral"), null);

        Assert.Equal(18, index.Files.Count);
        Assert.Equal("model.safetensors.index.json", Path.GetFileName(index.Source));
        Assert.EndsWith("model-00001-of-00018.safetensors", index.WeightMap!["lm_head.weight"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "model.safetensors")]
    [InlineData(CheckpointLayout.HuggingFace, "model.safetensors")]
    [InlineData(CheckpointLayout.Mistral, "consolidated.safetensors")]
    public void Locate_BothLayouts_TakesTheWishOrHuggingFace(CheckpointLayout? layout, string expected)
    {
        using var folder = new CheckpointDirectory().Write("model.safetensors", Weights).Write("consolidated.safetensors", Weights);
        Assert.Equal(expected, Path.GetFileName(Assert.Single(SafetensorsIndex.Locate(folder.Path, layout).Files)));
    }

    [Fact]
    public void Locate_IndexWithoutItsFilesBesideConsolidated_TakesConsolidated()
    {
        using var folder = new CheckpointDirectory().Write("consolidated.safetensors", Weights).WriteText("model.safetensors.index.json", "{}");
        Assert.Equal("consolidated.safetensors", Path.GetFileName(SafetensorsIndex.Locate(folder.Path, null).Source));
    }

    [Fact]
    public void Locate_ConsolidatedParts_AreAllTaken()
    {
        using var folder = new CheckpointDirectory()
            .Write("consolidated.00.safetensors", Weights.Take(3)).Write("consolidated.01.safetensors", Weights.Skip(3));
        Assert.Equal(2, SafetensorsIndex.Locate(folder.Path, null).Files.Count);
    }

    [Fact]
    public void Locate_MissingFolder_SaysSo() => Fails("/no/such/folder does not exist", "/no/such/folder", null);

    [Fact]
    public void Locate_NoWeights_SaysWhatWouldBeRight()
    {
        using var folder = new CheckpointDirectory().WriteText("config.json", "{}");
        Fails($"{folder.Path} holds no weights; model.safetensors.index.json with its files, model.safetensors or consolidated.safetensors is needed", folder.Path, null);
    }

    [Theory]
    [InlineData("consolidated.00.pth")]
    [InlineData("consolidated.00.pt")]
    [InlineData("pytorch_model-00001-of-00002.bin")]
    public void Locate_PickledWeights_AreRefusedByName(string name)
    {
        using var folder = new CheckpointDirectory().WriteText(name, "x");
        Fails($"pickled {name}, which is not read; convert it or download model.safetensors", folder.Path, null);
    }

    [Fact]
    public void Locate_OtherLayoutThanWished_NamesWhatIsThere()
    {
        using var folder = new CheckpointDirectory().Write("model.safetensors", Weights);
        Fails("holds no weights in the layout asked for (consolidated.safetensors); it holds model.safetensors", folder.Path, CheckpointLayout.Mistral);
    }

    [Fact]
    public void Locate_PartsWithoutIndex_AsksForTheIndex()
    {
        using var folder = new CheckpointDirectory().WriteSharded(Weights);
        File.Delete(folder.At("model.safetensors.index.json"));
        Fails("model.safetensors.index.json is missing, although model-00001-of-00002.safetensors is there", folder.Path, null);
    }

    [Fact]
    public void Locate_IndexNamesAbsentFile_NamesIt()
    {
        using var folder = new CheckpointDirectory().WriteSharded(Weights);
        File.Delete(folder.At("model-00002-of-00002.safetensors"));
        Fails("names 2 files, 1 of them are not there: model-00002-of-00002.safetensors", folder.Path, null);
    }

    [Theory]
    [InlineData("", "is not valid JSON: line 1, column 1:")]
    [InlineData("{\n\"weight_map\": {\n", "is not valid JSON: line 3")]
    [InlineData("{\"weight_map\": {\"a\": \"x.safetensors\", \"a\": \"y.safetensors\"}}", "Duplicate property 'a'")]
    [InlineData("[]", "has no object weight_map")]
    [InlineData("{\"weight_map\": 3}", "has no object weight_map")]
    [InlineData("{\"weight_map\": {\"a\": 3}}", "tensor a must be mapped to the plain name of a .safetensors file, not to 3")]
    [InlineData("{\"weight_map\": {\"a\": \"../x.safetensors\"}}", "not to \"../x.safetensors\"")]
    [InlineData("{\"weight_map\": {\"a\": \"/etc/passwd\"}}", "not to \"/etc/passwd\"")]
    public void Read_DamagedIndex_NamesFileAndTensor(string json, string expected)
    {
        using var folder = new CheckpointDirectory().WriteText("model.safetensors.index.json", json);
        var error = Fails(expected, folder.Path, null);
        Assert.StartsWith(folder.At("model.safetensors.index.json"), error.Message, StringComparison.Ordinal);
    }

    private static CheckpointException Fails(string expected, string directory, CheckpointLayout? layout)
    {
        var error = Assert.Throws<CheckpointException>(() => SafetensorsIndex.Locate(directory, layout));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        return error;
    }
}
