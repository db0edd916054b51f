using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// Converts elements between the types of weights. Widening is exact; narrowing to bfloat16 rounds to nearest, ties to even.
/// Infinities and NaN stay what they are.
/// </summary>
internal static class ElementConverter
{
    // Floats between two steps stay in the first-level cache.
    private const int ChunkElements = 1024;

    private const uint QuietNaN = 0x0040_0000;

    public static void Convert(
        ReadOnlySpan<byte> source, ElementType sourceType, Span<byte> destination, ElementType destinationType)
    {
        if (!sourceType.LoadsAs(destinationType))
        {
            throw new NotSupportedException($"weights stored as {sourceType} cannot be loaded as {destinationType}");
        }

        switch (sourceType, destinationType)
        {
            case var (from, to) when from == to:
                source.CopyTo(destination);
                break;
            case (ElementType.BFloat16, ElementType.Float32):
                Widen(Words(source), Floats(destination));
                break;
            case (ElementType.Float16, ElementType.Float32):
                WidenHalf(Words(source), Floats(destination));
                break;
            case (ElementType.Float32, ElementType.BFloat16):
                Narrow(MemoryMarshal.Cast<byte, float>(source), Words(destination));
                break;
            case (ElementType.Float16, ElementType.BFloat16):
                HalfToBFloat16(Words(source), Words(destination));
                break;
            default:
                throw new UnreachableException($"no way from {sourceType} to {destinationType}");
        }
    }

    /// <summary>bfloat16 is the upper half of a float.</summary>
    private static void Widen(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        var bits = MemoryMarshal.Cast<float, uint>(destination);
        var i = 0;
        for (; i <= source.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(source[i..]), out var low, out var high);
            (low << 16).CopyTo(bits[i..]);
            (high << 16).CopyTo(bits[(i + Vector<uint>.Count)..]);
        }

        for (; i < source.Length; i++)
        {
            bits[i] = (uint)source[i] << 16;
        }
    }

    private static void Narrow(ReadOnlySpan<float> source, Span<ushort> destination)
    {
        var bits = MemoryMarshal.Cast<float, uint>(source);
        var i = 0;
        for (; i <= bits.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            var low = RoundToUpperHalf(new Vector<uint>(bits[i..]));
            var high = RoundToUpperHalf(new Vector<uint>(bits[(i + Vector<uint>.Count)..]));
            Vector.Narrow(low, high).CopyTo(destination[i..]);
        }

        for (; i < bits.Length; i++)
        {
            destination[i] = (ushort)RoundToUpperHalf(new Vector<uint>(bits[i]))[0];
        }
    }

    private static Vector<uint> RoundToUpperHalf(Vector<uint> bits)
    {
        var nearestEven = bits + new Vector<uint>(0x7fff) + ((bits >> 16) & Vector<uint>.One);
        // Rounding could carry a NaN into infinity or zero: cut it off instead, quiet so that some payload is left.
        var isNaN = Vector.GreaterThan(bits & new Vector<uint>(0x7fff_ffff), new Vector<uint>(0x7f80_0000));
        return Vector.ConditionalSelect(isNaN, bits | new Vector<uint>(QuietNaN), nearestEven) >> 16;
    }

    private static void WidenHalf(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        var bits = MemoryMarshal.Cast<float, uint>(destination);
        var i = 0;
        for (; i <= source.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(source[i..]), out var low, out var high);
            HalfToSingle(low).CopyTo(bits[i..]);
            HalfToSingle(high).CopyTo(bits[(i + Vector<uint>.Count)..]);
        }

        for (; i < source.Length; i++)
        {
            bits[i] = HalfToSingle(new Vector<uint>(source[i]))[0];
        }
    }

    /// <summary>
    /// Moves the exponent from bias 15 to bias 127. Subnormals get their leading bit by a subtraction of normal numbers, so the
    /// result does not depend on whether the thread flushes subnormals to zero, as native libraries may have set it.
    /// </summary>
    private static Vector<uint> HalfToSingle(Vector<uint> half)
    {
        var smallestNormal = new Vector<uint>(113u << 23);
        var magnitude = (half & new Vector<uint>(0x7fff)) << 13;
        var exponent = magnitude & new Vector<uint>(0x1fu << 23);
        var normal = magnitude + new Vector<uint>(112u << 23);
        var special = magnitude + new Vector<uint>(224u << 23);
        var subnormal = Vector.AsVectorUInt32(
            Vector.AsVectorSingle(magnitude + smallestNormal) - Vector.AsVectorSingle(smallestNormal));
        var result = Vector.ConditionalSelect(Vector.Equals(exponent, new Vector<uint>(0x1fu << 23)), special, normal);
        result = Vector.ConditionalSelect(Vector.Equals(exponent, Vector<uint>.Zero), subnormal, result);
        return result | ((half & new Vector<uint>(0x8000)) << 16);
    }

    private static void HalfToBFloat16(ReadOnlySpan<ushort> source, Span<ushort> destination)
    {
        Span<float> floats = stackalloc float[ChunkElements];
        for (var i = 0; i < source.Length; i += ChunkElements)
        {
            var chunk = source[i..Math.Min(i + ChunkElements, source.Length)];
            WidenHalf(chunk, floats);
            Narrow(floats[..chunk.Length], destination[i..]);
        }
    }

    private static ReadOnlySpan<ushort> Words(ReadOnlySpan<byte> bytes) => MemoryMarshal.Cast<byte, ushort>(bytes);

    private static Span<ushort> Words(Span<byte> bytes) => MemoryMarshal.Cast<byte, ushort>(bytes);

    private static Span<float> Floats(Span<byte> bytes) => MemoryMarshal.Cast<byte, float>(bytes);
}
