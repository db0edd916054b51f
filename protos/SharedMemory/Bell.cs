using System.Diagnostics;

namespace Pipeline.Protos.SharedMemory;

/// <summary>
/// Eight bytes of shared memory by which one process tells another that something changed: a count of changes and a count of
/// sleepers, so that ringing costs a system call only when somebody sleeps.
/// </summary>
internal readonly unsafe struct Bell(byte* place)
{
    private const int SpinsBetweenLooks = 20;

    // Whoever rings wakes all sleepers; the bound is for a process that dies between the change and the call.
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(1);

    private int* Changes => (int*)place;

    private int* Sleepers => (int*)place + 1;

    /// <summary>To be read before looking at what the bell tells of.</summary>
    public int Count => Volatile.Read(ref *Changes);

    public void Ring()
    {
        Interlocked.Increment(ref *Changes);
        if (Volatile.Read(ref *Sleepers) > 0)
        {
            Futex.WakeAll(Changes);
        }
    }

    /// <summary>Waits until the bell was rung after <paramref name="seen"/> was read; may return early.</summary>
    /// <param name="alertness">How long to look out before sleeping; waking takes tens of microseconds.</param>
    public void Wait(int seen, TimeSpan alertness)
    {
        for (var began = Stopwatch.GetTimestamp(); alertness > TimeSpan.Zero && Stopwatch.GetElapsedTime(began) < alertness;)
        {
            if (Count != seen)
            {
                return;
            }

            Thread.SpinWait(SpinsBetweenLooks);
        }

        Interlocked.Increment(ref *Sleepers);
        try
        {
            Futex.Wait(Changes, seen, LongestSleep);
        }
        finally
        {
            Interlocked.Decrement(ref *Sleepers);
        }
    }
}
