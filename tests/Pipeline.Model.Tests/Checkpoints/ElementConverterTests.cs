using System.Runtime.InteropServices;
using CsCheck;
using Pipeline.Model.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Tests.Checkpoints;

public class ElementConverterTests
{
    private static readonly ushort[] AllWords = [.. Enumerable.Range(0, 65536).Select(word => (ushort)word)];

    [Fact]
    public void Convert_EveryBFloat16ToFloat32_IsExact()
    {
        var floats = FromWords(ElementType.BFloat16, AllWords);
        Assert.Equal(AllWords.Select(word => (uint)word << 16), floats.Select(BitConverter.SingleToUInt32Bits));
    }

    [Fact]
    public void Convert_EveryFloat16ToFloat32_IsExact()
    {
        var floats = FromWords(ElementType.Float16, AllWords);
        for (var word = 0; word < floats.Length; word++)
        {
            var expected = (float)BitConverter.UInt16BitsToHalf((ushort)word);
            Assert.True(
                float.IsNaN(expected)
                    ? float.IsNaN(floats[word])
                    : BitConverter.SingleToUInt32Bits(expected) == BitConverter.SingleToUInt32Bits(floats[word]),
                $"{word:x4}: {floats[word]}");
        }
    }

    [Fact]
    public void Convert_Float32ToBFloat16_RoundsToNearestEven() =>
        Gen.UInt.Array[1, 70].Sample(
            bits => Narrowed(bits).SequenceEqual(bits.Select(NearestBFloat16)), iter: 20_000, seed: "0000KOIPe036", threads: 1);

    [Fact]
    public void Convert_TiesAndEdges_RoundAsStated()
    {
        uint[] bits =
        [
            0x3f80_8000, 0x3f81_8000, 0x3f80_8001, 0x3f80_7fff, 0x7f7f_ffff, 0xff7f_8000, 0x7f80_0000, 0xff80_0000, 0x0000_8000,
            0x0000_8001, 0x8000_0000, 0x7f80_0001, 0xffff_ffff, 0x7fff_8000,
        ];
        ushort[] expected =
        [
            0x3f80, 0x3f82, 0x3f81, 0x3f80, 0x7f80, 0xff80, 0x7f80, 0xff80, 0x0000, 0x0001, 0x8000, 0x7fc0, 0xffff, 0x7fff,
        ];
        Assert.Equal(expected, Narrowed(bits));
        Assert.Equal(expected, bits.SelectMany(one => Narrowed([one])));
    }

    [Fact]
    public void Convert_EveryFloat16ToBFloat16_IsRoundedOnce()
    {
        var narrowed = new ushort[AllWords.Length];
        ElementConverter.Convert(Bytes(AllWords), ElementType.Float16, Bytes(narrowed), ElementType.BFloat16);
        for (var word = 0; word < narrowed.Length; word++)
        {
            var exact = (float)BitConverter.UInt16BitsToHalf((ushort)word);
            Assert.True(
                float.IsNaN(exact)
                    ? float.IsNaN(BitConverter.UInt32BitsToSingle((uint)narrowed[word] << 16))
                    : NearestBFloat16(BitConverter.SingleToUInt32Bits(exact)) == narrowed[word],
                $"{word:x4}");
        }
    }

    [Fact]
    public void Convert_AnyLengthAndAlignment_EqualsElementByElement()
    {
        // Files promise no alignment.
        var bytes = new byte[(100 * 2) + 1];
        new Random(1).NextBytes(bytes);
        for (var count = 0; count <= 100; count++)
        {
            var floats = new float[count];
            ElementConverter.Convert(bytes.AsSpan(1, count * 2), ElementType.BFloat16, Bytes(floats), ElementType.Float32);
            Assert.Equal(
                Enumerable.Range(0, count).Select(i => (uint)BitConverter.ToUInt16(bytes, 1 + (2 * i)) << 16),
                floats.Select(BitConverter.SingleToUInt32Bits));
        }
    }

    [Theory]
    [InlineData(ElementType.Float32)]
    [InlineData(ElementType.Float16)]
    [InlineData(ElementType.BFloat16)]
    public void Convert_SameType_CopiesEveryBit(ElementType type)
    {
        var copy = new ushort[AllWords.Length];
        ElementConverter.Convert(Bytes(AllWords), type, Bytes(copy), type);
        Assert.Equal(AllWords, copy);
    }

    [Fact]
    public void Convert_ToFloat16_IsRefused()
    {
        var error = Assert.Throws<NotSupportedException>(() =>
            ElementConverter.Convert(new byte[4], ElementType.Float32, new byte[2], ElementType.Float16));
        Assert.Equal("weights stored as Float32 cannot be loaded as Float16", error.Message);
    }

    /// <summary>Whoever asks the rule before loading must not be told otherwise by the load.</summary>
    [Fact]
    public void Convert_WhatTheRuleAllows_IsConverted()
    {
        foreach (var (stored, loaded) in from stored in Enum.GetValues<ElementType>() from loaded in Enum.GetValues<ElementType>() where stored.LoadsAs(loaded) select (stored, loaded))
        {
            ElementConverter.Convert(new byte[stored.ByteSize()], stored, new byte[loaded.ByteSize()], loaded);
        }
    }

    /// <summary>Oracle: of the two neighbours the nearer, of equally near ones the even; beyond the last half step infinity.</summary>
    private static ushort NearestBFloat16(uint bits)
    {
        var value = BitConverter.UInt32BitsToSingle(bits);
        var down = (ushort)(bits >> 16);
        if (float.IsNaN(value))
        {
            return (ushort)(down | 0x40);
        }

        if (float.IsInfinity(value))
        {
            return down;
        }

        // In double the step beyond the largest bfloat16 is an ordinary number.
        double ValueOf(int word) => (word & 0x7fff) == 0x7f80 ? Math.Pow(2, 128) : Math.Abs((double)BitConverter.UInt32BitsToSingle((uint)word << 16));
        var below = Math.Abs((double)value) - ValueOf(down);
        var above = ValueOf(down + 1) - Math.Abs((double)value);
        return below < above || (below.Equals(above) && down % 2 == 0) ? down : (ushort)(down + 1);
    }

    private static float[] FromWords(ElementType type, ushort[] words)
    {
        var floats = new float[words.Length];
        ElementConverter.Convert(Bytes(words), type, Bytes(floats), ElementType.Float32);
        return floats;
    }

    private static ushort[] Narrowed(uint[] bits)
    {
        var words = new ushort[bits.Length];
        ElementConverter.Convert(Bytes(bits), ElementType.Float32, Bytes(words), ElementType.BFloat16);
        return words;
    }

    private static Span<byte> Bytes<T>(T[] values)
        where T : struct => MemoryMarshal.AsBytes(values.AsSpan());
}
