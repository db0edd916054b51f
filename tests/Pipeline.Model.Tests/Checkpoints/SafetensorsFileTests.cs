using System.Text;
using Pipeline.Model.Checkpoints;
using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;
using Pipeline.TestKit;

namespace Pipeline.Model.Tests.Checkpoints;

public class SafetensorsFileTests
{
    private static readonly string Golden = Fixtures.At("random-mistral.golden.safetensors");

    [Fact]
    public void Tensor_EveryTensorOfAFixture_HasTheBytesOfTheFile()
    {
        var folder = Fixtures.At("random-mistral-consolidated");
        using var file = SafetensorsFile.Open(Path.Combine(folder, "consolidated.safetensors"));
        var expected = StoredTensor.ReadAll(folder);

        Assert.Equal(expected.Keys, file.Header.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, stored) in expected)
        {
            var tensor = file.Tensor(name);
            Assert.Equal(stored.Shape, tensor.Shape);
            Assert.Equal(ElementType.Float32, tensor.Type);
            Assert.True(tensor.Slice(0, (int)tensor.ByteLength).SequenceEqual(stored.Data), name);
        }
    }

    [Fact]
    public void Tensor_Integers_AreNoWeights()
    {
        using var file = SafetensorsFile.Open(Golden);
        var error = Assert.Throws<CheckpointException>(() => file.Tensor("case0.greedy"));
        Assert.Contains($"{Golden}: tensor case0.greedy is I32; weights must be BF16, F16 or F32", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tensor_UnknownName_NamesFileAndTensor()
    {
        using var file = SafetensorsFile.Open(Golden);
        var error = Assert.Throws<CheckpointException>(() => file.Tensor("nope"));
        Assert.Contains($"{Golden} has no tensor nope", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, -1)]
    [InlineData(2048, 1)]
    [InlineData(2045, 4)]
    public void Slice_OutsideTheTensor_IsRefused(long offset, int length)
    {
        using var file = SafetensorsFile.Open(Golden);
        var tensor = file.Tensor("case0.logits");
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Slice(offset, length).Length);
    }

    [Fact]
    public void Slice_AfterDispose_IsRefused()
    {
        var file = SafetensorsFile.Open(Golden);
        var tensor = file.Tensor("case0.logits");
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => tensor.Slice(0, 4).Length);
    }

    [Fact]
    public void Open_TruncatedFile_NamesTheTensorThatIsCut()
    {
        using var folder = new CheckpointDirectory();
        folder.Write("model.safetensors", CheckpointDirectory.RandomWeights(CheckpointDirectory.Dense, seed: 1));
        var path = folder.At("model.safetensors");
        using (var stream = File.OpenWrite(path))
        {
            stream.SetLength(stream.Length - 1);
        }

        var error = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));
        Assert.Contains($"{path} is truncated: tensor model.norm.weight needs bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Slice_BeyondFourGibibytes_ReachesTheRightBytes()
    {
        // A hole in the file: takes no room on the disk.
        const long Columns = 1 << 20;
        const long Rows = 2200;
        using var folder = new CheckpointDirectory();
        var path = folder.At("model.safetensors");
        const long End = Rows * Columns * 2;
        var json = Encoding.UTF8.GetBytes(
            $"{{\"big\":{{\"dtype\":\"BF16\",\"shape\":[{Rows},{Columns}],\"data_offsets\":[0,{End}]}},"
            + $"\"last\":{{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[{End},{End + 4}]}}}}");
        using (var stream = File.Create(path))
        {
            stream.Write(BitConverter.GetBytes((long)json.Length));
            stream.Write(json);
            stream.Seek(End - 2, SeekOrigin.Current);
            stream.Write([7, 8, 1, 2, 3, 4]);
        }

        using var file = SafetensorsFile.Open(path);

        Assert.Equal([1, 2, 3, 4], file.Tensor("last").Slice(0, 4).ToArray());
        Assert.Equal([0, 0, 7, 8], file.Tensor("big").Slice(End - 4, 4).ToArray());
    }
}
