using System.Collections.Concurrent;
using TorchSharp;

namespace Pipeline.Model.Kernels;

/// <summary>
/// Scalars that are never collected. TorchSharp gives a scalar's bare pointer to native code and does not keep the object alive
/// during the call, so a garbage collection at the wrong moment frees a temporary one under it: the call fails, or computes
/// with whatever lies there. A plain <c>tensor + number</c> makes such temporaries, and so does the sum of two tensors (its factor).
/// </summary>
internal static class Scalars
{
    private static readonly ConcurrentDictionary<double, Scalar> Reals = new();
    private static readonly ConcurrentDictionary<long, Scalar> Integers = new();

    /// <summary>The factor of sums: a + One * b.</summary>
    public static Scalar One { get; } = Of(1);

    public static Scalar Of(double value) => Reals.GetOrAdd(value, number => number.ToScalar());

    public static Scalar Of(long value) => Integers.GetOrAdd(value, number => number.ToScalar());
}
