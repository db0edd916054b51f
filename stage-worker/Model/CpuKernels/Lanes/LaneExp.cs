using System.Runtime.CompilerServices;

namespace Pipeline.Model.CpuKernels.Lanes;

/// <summary>
/// e^x by one fixed polynomial, so that its bits depend on neither the host nor the C library: x = n ln 2 + r with
/// |r| at most 0.35, e^r by its Taylor series to r^7 (truncation 5e-9), times 2^n.
/// </summary>
/// <remarks>Within 1 ulp of the true value over the whole range; e^-inf = 0, overflow gives infinity, NaN stays NaN.</remarks>
internal static class LaneExp
{
    private const float Log2E = 1.44269504f;
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>1.5 * 2^23: adding it pushes the fraction out of the mantissa, which rounds to the nearest whole number.</summary>
    private const float RoundingShift = 12582912f;

    private const float Overflow = 88.7228394f;
    private const float Underflow = -103.972084f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Exp<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes>
    {
        var shift = TLanes.Broadcast(RoundingShift);
        var n = TLanes.Subtract(TLanes.FusedMultiplyAdd(x, TLanes.Broadcast(Log2E), shift), shift);
        var r = TLanes.FusedMultiplyAdd(n, TLanes.Broadcast(-Ln2High), x);
        r = TLanes.FusedMultiplyAdd(n, TLanes.Broadcast(-Ln2Low), r);
        var result = TLanes.ScaleByPowerOfTwo(Polynomial(r), n);
        result = TLanes.SelectLess(TLanes.Broadcast(Overflow), x, TLanes.Broadcast(float.PositiveInfinity), result);
        return TLanes.SelectLess(x, TLanes.Broadcast(Underflow), TLanes.Broadcast(0), result);
    }

    /// <summary>One value on sixteen equal lanes: the same bits as among others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Exp<TLanes>(float x)
        where TLanes : struct, ILanes<TLanes> => TLanes.Maximum(Exp(TLanes.Broadcast(x)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Polynomial<TLanes>(TLanes r)
        where TLanes : struct, ILanes<TLanes>
    {
        var p = TLanes.FusedMultiplyAdd(r, TLanes.Broadcast(1f / 5040), TLanes.Broadcast(1f / 720));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f / 120));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f / 24));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f / 6));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f / 2));
        p = TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f));
        return TLanes.FusedMultiplyAdd(p, r, TLanes.Broadcast(1f));
    }
}
