using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pipeline.Model.CpuKernels.Lanes;

/// <summary>The lower steps of the fixed reduction tree: eight lanes to one by halves.</summary>
internal static class Halving
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> value)
    {
        var four = value.GetLower() + value.GetUpper();
        var two = four + Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1));
        return two.ToScalar() + two.GetElement(1);
    }

    /// <summary><see cref="Sum"/> of each of four vectors, as four lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sums(Vector256<float> first, Vector256<float> second, Vector256<float> third, Vector256<float> fourth)
    {
        var ab = PairSums(first.GetLower() + first.GetUpper(), second.GetLower() + second.GetUpper());
        var cd = PairSums(third.GetLower() + third.GetUpper(), fourth.GetLower() + fourth.GetUpper());
        return PairSums(Vector128.Shuffle(ab, Vector128.Create(0, 2, 1, 3)), Vector128.Shuffle(cd, Vector128.Create(0, 2, 1, 3)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> left, Vector256<float> right) =>
        Vector256.ConditionalSelect(Vector256.LessThan(right, left), left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Maximum(Vector256<float> value)
    {
        var four = Max(value.GetLower(), value.GetUpper());
        var two = Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return two.ToScalar() > two.GetElement(1) ? two.ToScalar() : two.GetElement(1);
    }

    /// <summary>(a0 + a2, a1 + a3, b0 + b2, b1 + b3); the halves of b are added the other way round, which changes nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> PairSums(Vector128<float> a, Vector128<float> b)
    {
        var lower = Vector128.Create(-1, -1, 0, 0).AsSingle();
        var outer = Vector128.ConditionalSelect(lower, a, b);
        var inner = Vector128.ConditionalSelect(lower, b, a);
        return outer + Vector128.Shuffle(inner, Vector128.Create(2, 3, 0, 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Max(Vector128<float> left, Vector128<float> right) =>
        Vector128.ConditionalSelect(Vector128.LessThan(right, left), left, right);
}
