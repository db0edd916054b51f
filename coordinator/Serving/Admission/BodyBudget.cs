using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Admission;

/// <summary>
/// Bounds the bytes of bodies that are being read and made tokens of, which costs many times their size. They are counted as they
/// arrive, so who announces much and sends little keeps nobody out. Thread-safe.
/// </summary>
internal sealed class BodyBudget(long most)
{
    /// <summary>Small enough for any machine that holds a model.</summary>
    private const long Least = 32 << 20;

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private long _taken;

    public long Taken => Interlocked.Read(ref _taken);

    /// <summary>Room for two of the largest, and for a crowd of small ones.</summary>
    public static BodyBudget For(long maxRequestBytes) => new(Math.Max(Least, maxRequestBytes > long.MaxValue / 2 ? long.MaxValue : 2 * maxRequestBytes));

    public void Take(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) > most)
        {
            Give(bytes);
            throw ApiException.TooMany($"the bodies of the requests that are being read are larger than the {most} bytes that this server takes at a time; try again in {Retry.TotalSeconds:0} s", Retry);
        }
    }

    public void Give(long bytes) => Interlocked.Add(ref _taken, -bytes);
}
