using CsCheck;
using Pipeline.Shared.Checkpoints;
using Pipeline.TestKit;

namespace Pipeline.Shared.Tests.Checkpoints;

public class SafetensorsHeaderFuzzTests
{
    private static readonly byte[] Real = File.ReadAllBytes(Fixtures.At("random-mistral-nowindow-headdim", "model-00001-of-00005.safetensors"))[..2000];

    // The real header with its data cut off is refused; this one is whole.
    private static readonly byte[] Whole = SafetensorsBytes.Of(
        """{"__metadata__":{"f":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}""", 32);

    [Fact]
    public void Read_RandomBytes_ThrowsOnlyCheckpointException() =>
        Gen.Byte.Array[0, 200].Sample(bytes => IsHandled(bytes), iter: 5_000, seed: "0000KOIPe036", threads: 1);

    [Fact]
    public void Read_RandomJsonLikeText_ThrowsOnlyCheckpointException() =>
        Gen.OneOf("{", "}", "[", "]", ":", ",", "\"x\"", "\"dtype\"", "\"shape\"", "\"data_offsets\"", "\"F32\"", "0", "4", "-1", "1e9", "null", "\\", "\"")
            .Array[0, 40].Select(tokens => SafetensorsBytes.Of(string.Concat(tokens), 4))
            .Sample(bytes => IsHandled(bytes), iter: 5_000, seed: "0000KOIPe036", threads: 1);

    [Fact]
    public void Read_MutatedFile_ThrowsOnlyCheckpointExceptionOrStaysInsideTheFile() =>
        Gen.Select(Gen.OneOf(Gen.Const(Real), Gen.Const(Whole)), Gen.Select(Gen.Int[0, 1999], Gen.Byte).Array[1, 6], Gen.Int[0, 2000])
            .Select((file, edits, length) => Mutate(file, edits, length))
            .Sample(bytes => IsHandled(bytes), iter: 15_000, seed: "0000KOIPe036", threads: 1);

    [Fact]
    public void Read_WholeFile_IsAccepted() => Assert.Equal(2, SafetensorsBytes.Read(Whole).Tensors.Count);

    private static byte[] Mutate(byte[] file, (int Position, byte Value)[] edits, int length)
    {
        byte[] copy = length % 2 == 0 ? [.. file] : file[..Math.Min(length, file.Length)];
        foreach (var (position, value) in edits.Where(edit => edit.Position < copy.Length))
        {
            copy[position] = value;
        }

        return copy;
    }

    /// <summary>A file is refused, or all its tensors lie inside it; and neither takes much memory.</summary>
    private static bool IsHandled(byte[] file)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var isInside = true;
        try
        {
            isInside = SafetensorsBytes.Read(file).Tensors.Values.All(tensor =>
                tensor.FileOffset >= 8 && tensor.ByteLength >= 0 && tensor.FileOffset + tensor.ByteLength <= file.Length);
        }
        catch (CheckpointException)
        {
            // Refused: what a damaged file deserves.
        }

        return isInside && GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000;
    }
}
