using System.Runtime.InteropServices;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.Tests.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>Pieces of files placed by the device's kernels, played on the CPU, against the plain way: the same bits, every row in its place.</summary>
public sealed class EmulatedWeightsTests
{
    // The third projection's columns are neither one tile nor whole ones.
    private static readonly ModelConfig Config = CheckpointDirectory.Sparse with { HiddenSize = 70, IntermediateSize = 41 };

    [Theory]
    [InlineData(CheckpointLayout.HuggingFace, 300)]
    [InlineData(CheckpointLayout.HuggingFace, 3000)]
    [InlineData(CheckpointLayout.Mistral, 300)]
    [InlineData(CheckpointLayout.Mistral, 1 << 20)]
    [InlineData(CheckpointLayout.MistralStackedExperts, 3000)]
    [InlineData(CheckpointLayout.MistralStackedExperts, 1 << 20)]
    public void Place_AnyTypeAndOrder_GivesTheBitsOfThePlainWay(CheckpointLayout layout, int pieceBytes)
    {
        using var kernel = new EmulatedKernel("weights", "emulated_weights.hpp", Config.HeadDim);
        foreach (var type in (string[])["BF16", "F16", "F32"])
        {
            using var folder = CheckpointDirectory.Of(Config, layout, CheckpointDirectory.RandomWeights(Config, pieceBytes, type));
            using var checkpoint = Checkpoint.Open(folder.Path, Config, Shards.Whole(Config), null, null);
            foreach (var slot in checkpoint.Slots.Where(slot => slot.Layer <= 0 && slot.Expert <= 1))
            {
                var weight = new ushort[checkpoint.ShapeOf(slot).ElementCount];
                foreach (var piece in checkpoint.Cut(slot, pieceBytes))
                {
                    Place(kernel, checkpoint, piece, weight);
                }

                Assert.Equal(checkpoint.ReadAll(slot, ElementType.BFloat16), MemoryMarshal.AsBytes(weight.AsSpan()).ToArray());
            }
        }
    }

    /// <summary>Every half there is, and floats around every rounding.</summary>
    [Fact]
    public void Convert_EveryHalf_IsRoundedAsOnTheCpu()
    {
        using var kernel = new EmulatedKernel("weights", "emulated_weights.hpp");
        var halves = Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits).ToArray();
        AssertConverted(kernel, ElementType.Float16, MemoryMarshal.AsBytes(halves.AsSpan()).ToArray());
        var floats = Enumerable.Range(0, 1 << 16).SelectMany(upper => (uint[])[0, 1, 0x7fff, 0x8000, 0x8001, 0xffff], (upper, lower) => ((uint)upper << 16) | lower).ToArray();
        AssertConverted(kernel, ElementType.Float32, MemoryMarshal.AsBytes(floats.AsSpan()).ToArray());
    }

    private static unsafe void AssertConverted(EmulatedKernel kernel, ElementType type, byte[] stored)
    {
        var count = stored.Length / type.ByteSize();
        var (weight, expected) = (new ushort[count], new byte[count * 2]);
        ElementConverter.Convert(stored, type, expected, ElementType.BFloat16);
        fixed (byte* piece = stored)
        fixed (ushort* target = weight)
        {
            Assert.Equal(0, Function(kernel)(0, IndexOf(type), (count + 255) / 256, 1, 256, piece, target, 0, 1, 1, count));
        }

        Assert.Equal(expected, MemoryMarshal.AsBytes(weight.AsSpan()).ToArray());
    }

    private static unsafe void Place(EmulatedKernel kernel, Checkpoint checkpoint, StoredPiece piece, ushort[] weight)
    {
        var bytes = new byte[piece.Length];
        checkpoint.Read(piece, bytes);
        var (x, y) = WeightPlacement.GridOf(piece);
        fixed (byte* stored = bytes)
        fixed (ushort* target = weight)
        {
            if (WeightPlacement.IsPlainCopy(piece))
            {
                bytes.CopyTo(new Span<byte>((void*)WeightPlacement.AddressOf(piece, (nint)target), bytes.Length));
                return;
            }

            var order = piece.Order switch { StoredOrder.Rows => 0, StoredOrder.InterleavedRows => 1, _ => 2 };
            Assert.Equal(0, Function(kernel)(
                order, IndexOf(piece.Tensor.Type), x, y, WeightPlacement.Threads, stored, target, (int)piece.First, piece.Count, (int)piece.Shape.Rows, (int)piece.Shape.Columns));
        }
    }

    private static int IndexOf(ElementType type) => type switch { ElementType.BFloat16 => 0, ElementType.Float16 => 1, _ => 2 };

    private static unsafe delegate* unmanaged<int, int, int, int, int, byte*, ushort*, int, int, int, int, int> Function(EmulatedKernel kernel) =>
        (delegate* unmanaged<int, int, int, int, int, byte*, ushort*, int, int, int, int, int>)kernel.Function("emulate_place");
}
