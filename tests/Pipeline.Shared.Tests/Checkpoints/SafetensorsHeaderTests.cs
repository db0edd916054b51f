using System.Buffers.Binary;
using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;
using Pipeline.TestKit;

namespace Pipeline.Shared.Tests.Checkpoints;

public class SafetensorsHeaderTests
{
    [Fact]
    public void Read_WellFormedFile_GivesTensorsWithFileOffsets()
    {
        const string Json = """
            {"__metadata__":{"format":"pt"},
             "b":{"dtype":"I32","shape":[3],"data_offsets":[12,24]},
             "a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},
             "scalar":{"shape":[],"data_offsets":[24,32],"dtype":"F64"},
             "empty":{"dtype":"F32","shape":[0,7],"data_offsets":[12,12]}}
            """;
        var header = SafetensorsBytes.Read(SafetensorsBytes.Of(Json + "   ", 32));
        var start = 8 + Json.Length + 3;

        Assert.Equal("pt", header.Metadata["format"]);
        Assert.Equal(["a", "b", "empty", "scalar"], header.Tensors.Keys.Order());
        Assert.Equal((SafetensorsType.BFloat16, start + 0L, 12L), Facts(header.Tensors["a"]));
        Assert.Equal((SafetensorsType.Int32, start + 12L, 12L), Facts(header.Tensors["b"]));
        Assert.Equal((SafetensorsType.Float64, start + 24L, 8L), Facts(header.Tensors["scalar"]));
        Assert.Equal("[2, 3]", header.Tensors["a"].ShapeText);
    }

    [Fact]
    public void Read_GoldenFile_GivesIntegersAndFloats()
    {
        var header = SafetensorsHeader.Read(Fixtures.At("random-mistral.golden.safetensors"));

        Assert.Equal(24, header.Tensors.Count);
        Assert.Equal("[1, 512]", header.Tensors["case0.logits"].ShapeText);
        Assert.Contains(header.Tensors.Values, tensor => tensor.Type == SafetensorsType.Int32);
        Assert.Contains("transformers", header.Metadata["oracle"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "tensor y overlaps tensor x")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", 12, "tensor y leaves a gap after tensor x")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "tensor x leaves a gap after the header")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5, "1 bytes after tensor x belong to no tensor")]
    [InlineData("{}", 4, "4 bytes after the header belong to no tensor")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "is truncated: tensor x needs bytes")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "tensor x has 4 bytes, F32 [2] needs 8")]
    [InlineData("""{"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}""", 4, "tensor x has 4 bytes, F32 [4611686018427387904, 4] needs more than any file can hold")]
    [InlineData("""{"x":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807,9223372036854775807],"data_offsets":[0,0]}}""", 0, "more than any file can hold")]
    [InlineData("""{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "shape of tensor x must hold whole numbers")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "shape of tensor x must hold whole numbers")]
    [InlineData("""{"x":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}""", 4, "shape of tensor x must hold whole numbers")]
    [InlineData("""{"x":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, "shape of tensor x must hold whole numbers")]
    [InlineData("""{"x":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", 4, "shape of tensor x must be StartArray")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "data_offsets of tensor x must be [begin, end]")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 4, "they are [0, 4, 8]")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807]}}""", 4, "data_offsets of tensor x must be")]
    [InlineData("""{"x":{"dtype":"F4","shape":[1],"data_offsets":[0,4]}}""", 4, "tensor x has the unknown dtype F4")]
    [InlineData("""{"x":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}""", 4, "dtype of tensor x must be String")]
    [InlineData("""{"x":{"shape":[1],"data_offsets":[0,4]}}""", 4, "tensor x has no dtype")]
    [InlineData("""{"x":{"dtype":"F32","data_offsets":[0,4]}}""", 4, "tensor x has no shape")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1]}}""", 4, "tensor x has no data_offsets")]
    [InlineData("""{"x":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "tensor x has an unknown or repeated field dtype")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "tensor x is named twice")]
    [InlineData("""{"x":4}""", 4, "tensor x must be StartObject")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "__metadata__.a must be String")]
    [InlineData("[]", 0, "the header must be StartObject")]
    [InlineData("{} x", 0, "has a broken header")]
    [InlineData("{", 0, "has a broken header")]
    [InlineData("", 0, "has a broken header")]
    public void Read_DamagedHeader_NamesFileAndTensor(string json, int dataLength, string expected)
    {
        var error = Assert.Throws<CheckpointException>(() => SafetensorsBytes.Read(SafetensorsBytes.Of(json, dataLength)));
        Assert.StartsWith("weights.safetensors", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100_000_001UL, "its header would be 100000001 bytes long, at most 100000000")]
    [InlineData(ulong.MaxValue, "its header would be 18446744073709551615 bytes long")]
    [InlineData(50_000_000UL, "is truncated: its header should be 50000000 bytes long, 2 follow")]
    [InlineData(3UL, "is truncated: its header should be 3 bytes long, 2 follow")]
    public void Read_WrongLength_IsRefusedBeforeAllocating(ulong length, string expected)
    {
        var file = SafetensorsBytes.Of("{}", 0);
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<CheckpointException>(() => SafetensorsBytes.Read(file));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void Read_ShorterThanItsLengthField_IsRefused(int length)
    {
        var error = Assert.Throws<CheckpointException>(() => SafetensorsBytes.Read(new byte[length]));
        Assert.Contains($"{length} bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_LfsPointer_SaysHowToGetTheFile()
    {
        var pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"u8.ToArray();
        var error = Assert.Throws<CheckpointException>(() => SafetensorsBytes.Read(pointer));
        Assert.Contains("Git LFS pointer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_InvalidUtf8_IsRefused()
    {
        byte[] json = [(byte)'{', (byte)'"', 0xff, (byte)'"', (byte)':', (byte)'1', (byte)'}'];
        Assert.Throws<CheckpointException>(() => SafetensorsBytes.Read(SafetensorsBytes.OfUtf8(json, 0)));
    }

    [Fact]
    public void Read_AbsentFile_NamesIt()
    {
        var error = Assert.Throws<CheckpointException>(() => SafetensorsHeader.Read("/no/such/file.safetensors"));
        Assert.StartsWith("/no/such/file.safetensors cannot be read", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Types_NamesAndSizes_GoBothWays()
    {
        foreach (var type in Enum.GetValues<SafetensorsType>())
        {
            Assert.Equal(type, SafetensorsTypes.FromHeaderName(type.HeaderName()));
        }

        Assert.Equal([4, 2, 2, 4, 1, 8], new[] { "F32", "F16", "BF16", "I32", "F8_E4M3", "I64" }.Select(name => SafetensorsTypes.FromHeaderName(name)!.Value.ByteSize()));
        Assert.Equal(ElementType.BFloat16, SafetensorsType.BFloat16.ToElementType());
        Assert.Null(SafetensorsType.Float8E4M3.ToElementType());
    }

    private static (SafetensorsType Type, long Offset, long Length) Facts(TensorEntry tensor) =>
        (tensor.Type, tensor.FileOffset, tensor.ByteLength);
}
