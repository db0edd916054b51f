using System.Runtime.CompilerServices;
using Pipeline.Shared.Models;

namespace Pipeline.Model.CpuKernels;

/// <summary>Widens checkpoint elements to float32. Exact for every element type: float32 holds all values of the others.</summary>
internal static unsafe class WeightReader
{
    /// <summary>Writes <paramref name="count"/> elements to <paramref name="target"/>, <paramref name="stride"/> floats apart.</summary>
    public static void Read(void* source, ElementType type, long first, int count, float* target, int stride)
    {
        switch (type)
        {
            case ElementType.Float32: ReadFloat32((float*)source + first, count, target, stride); break;
            case ElementType.BFloat16: ReadBFloat16((ushort*)source + first, count, target, stride); break;
            case ElementType.Float16: ReadFloat16((ushort*)source + first, count, target, stride); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "weights are float32, float16 or bfloat16");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadFloat32(float* source, int count, float* target, int stride)
    {
        for (nint i = 0; i < count; i++, target += stride)
        {
            *target = source[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadBFloat16(ushort* source, int count, float* target, int stride)
    {
        for (nint i = 0; i < count; i++, target += stride)
        {
            *(uint*)target = (uint)source[i] << 16;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReadFloat16(ushort* source, int count, float* target, int stride)
    {
        for (nint i = 0; i < count; i++, target += stride)
        {
            *target = WidenHalf(source[i]);
        }
    }

    /// <summary>
    /// The fields move into place and the exponent's bias is mended by one exact multiplication, which also normalizes
    /// subnormals. Several times faster than the runtime's conversion, which matters at load.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float WidenHalf(ushort half)
    {
        const float biasDifference = 5.192296858534828e33f; // 2^112
        var magnitude = BitConverter.UInt32BitsToSingle((uint)(half & 0x7FFF) << 13) * biasDifference;
        var special = (half & 0x7C00) == 0x7C00 ? 0x7F800000u : 0;
        return BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(magnitude) | special | ((uint)(half & 0x8000) << 16));
    }
}
