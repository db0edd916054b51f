namespace Pipeline.Model.CpuKernels.Lanes;

/// <summary>
/// Sixteen floats that are worked on together. Every implementation does the same IEEE operations in the same order, so a
/// kernel written against this interface gives the same bits on any vector width.
/// </summary>
internal unsafe interface ILanes<TSelf>
    where TSelf : struct, ILanes<TSelf>
{
    /// <summary>Rows whose accumulators (two <typeparamref name="TSelf"/> each) fit into the registers: 12 or 2.</summary>
    static abstract int TileRows { get; }

    static abstract TSelf Broadcast(float value);

    static abstract TSelf Load(float* source);

    static abstract void Store(TSelf value, float* target);

    static abstract TSelf Add(TSelf left, TSelf right);

    static abstract TSelf Subtract(TSelf left, TSelf right);

    static abstract TSelf Multiply(TSelf left, TSelf right);

    static abstract TSelf Divide(TSelf left, TSelf right);

    /// <summary><c>left * right + addend</c>, rounded once.</summary>
    static abstract TSelf FusedMultiplyAdd(TSelf left, TSelf right, TSelf addend);

    /// <summary><c>left > right ? left : right</c> in each lane, also for NaN and signed zeros.</summary>
    static abstract TSelf Max(TSelf left, TSelf right);

    /// <summary><c>left &lt; right ? then : otherwise</c> in each lane.</summary>
    static abstract TSelf SelectLess(TSelf left, TSelf right, TSelf then, TSelf otherwise);

    /// <summary><c>value * 2^exponent</c> for whole exponents in [-252, 254], in two steps so that it neither overflows nor flushes early.</summary>
    static abstract TSelf ScaleByPowerOfTwo(TSelf value, TSelf exponent);

    /// <summary>Sum of the lanes by halving: lane i with lane i + 8, then i + 4, i + 2, i + 1.</summary>
    static abstract float Sum(TSelf value);

    /// <summary><see cref="Sum"/> of four values at once, stored side by side.</summary>
    static abstract void StoreSums(TSelf first, TSelf second, TSelf third, TSelf fourth, float* target);

    /// <summary>Largest lane by the same halving as <see cref="Sum"/>, with the rule of <see cref="Max"/>.</summary>
    static abstract float Maximum(TSelf value);
}
