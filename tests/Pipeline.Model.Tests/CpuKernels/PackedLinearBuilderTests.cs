using System.Buffers.Binary;
using Pipeline.Model.CpuKernels;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Tests.CpuKernels;

public unsafe class PackedLinearBuilderTests
{
    [Fact]
    public void Read_OfEveryFloat16_IsExact()
    {
        var bits = Enumerable.Range(0, 1 << 16).Select(i => (ushort)i).ToArray();
        var widened = Widen(bits, ElementType.Float16);
        Assert.Equal(bits.Select(half => Canonical((float)BitConverter.UInt16BitsToHalf(half))), widened.Select(Canonical));
    }

    [Fact]
    public void Read_OfEveryBFloat16_IsExact()
    {
        var bits = Enumerable.Range(0, 1 << 16).Select(i => (ushort)i).ToArray();
        Assert.Equal(bits.Select(value => value << 16), Widen(bits, ElementType.BFloat16).Select(BitConverter.SingleToInt32Bits));
    }

    [Theory]
    [InlineData(ElementType.Float32)]
    [InlineData(ElementType.Float16)]
    [InlineData(ElementType.BFloat16)]
    public void SetRows_OfAnyElementType_PutsEveryElementInItsPlace(ElementType type)
    {
        const int outputs = 70, inputs = 300;
        var bytes = new byte[outputs * inputs * type.ByteSize()];
        var expected = FillWithSmallIntegers(bytes, type, outputs * inputs);
        using var builder = new PackedLinearBuilder(outputs, inputs);
        var split = 41 * inputs * type.ByteSize();
        using var linear = builder.SetRows(0, bytes.AsSpan(0, split), type, 41).SetRows(41, bytes.AsSpan(split), type, 29).Build();
        using var threads = new KernelThreads(1);
        for (var column = 0; column < inputs; column += 13)
        {
            using var memory = new GuardedMemory();
            var unit = memory.Floats(new float[inputs]);
            var output = memory.Poisoned(outputs);
            unit[column] = 1;
            linear.Multiply(unit, 1, output, threads);
            Assert.Equal(Enumerable.Range(0, outputs).Select(row => expected[(row * inputs) + column]), GuardedMemory.Read(output, outputs));
        }
    }

    [Fact]
    public void SetRows_WithTheWrongByteCount_NamesBothNumbers()
    {
        using var builder = new PackedLinearBuilder(4, 3);
        var exception = Assert.Throws<ArgumentException>(() => builder.SetRows(0, new byte[20], ElementType.BFloat16, 4));
        Assert.Contains("24 bytes, got 20", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SetRows_BeyondTheWeight_IsRefused()
    {
        using var builder = new PackedLinearBuilder(4, 3);
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.SetRows(3, new byte[24], ElementType.Float32, 2));
    }

    [Fact]
    public void SetRows_OfARowTwice_IsRefused()
    {
        using var builder = new PackedLinearBuilder(4, 3);
        builder.SetRows(0, new byte[24], ElementType.Float32, 2);
        Assert.Throws<InvalidOperationException>(() => builder.SetRows(1, new byte[24], ElementType.Float32, 2));
    }

    [Fact]
    public void Build_WithAMissingRow_NamesIt()
    {
        using var builder = new PackedLinearBuilder(4, 3);
        builder.SetRows(0, new byte[24], ElementType.Float32, 2).SetRows(3, new byte[12], ElementType.Float32, 1);
        var exception = Assert.Throws<InvalidOperationException>(builder.Build);
        Assert.Contains("row 2 of the 4 rows", exception.Message, StringComparison.Ordinal);
    }

    private static float[] Widen(ushort[] bits, ElementType type)
    {
        var widened = new float[bits.Length];
        fixed (ushort* source = bits)
        fixed (float* target = widened)
        {
            WeightReader.Read(source, type, 0, bits.Length, target, 1);
        }

        return widened;
    }

    private static int Canonical(float value) => float.IsNaN(value) ? int.MinValue : BitConverter.SingleToInt32Bits(value);

    /// <summary>Integers up to 255, which all element types hold exactly.</summary>
    private static float[] FillWithSmallIntegers(byte[] bytes, ElementType type, int count)
    {
        var random = new Random(10);
        var values = Enumerable.Range(0, count).Select(_ => (float)random.Next(-255, 256)).ToArray();
        for (var i = 0; i < count; i++)
        {
            var element = bytes.AsSpan(i * type.ByteSize());
            switch (type)
            {
                case ElementType.Float32: BinaryPrimitives.WriteSingleLittleEndian(element, values[i]); break;
                case ElementType.Float16: BinaryPrimitives.WriteHalfLittleEndian(element, (Half)values[i]); break;
                default: BinaryPrimitives.WriteInt16LittleEndian(element, (short)(BitConverter.SingleToInt32Bits(values[i]) >> 16)); break;
            }
        }

        return values;
    }
}
