namespace Pipeline.Protos.SharedMemory;

/// <summary>How long a thread looks out for what comes next before it sleeps.</summary>
public static class Alertness
{
    private const int ManyProcessors = 8;

    /// <summary>
    /// Beside a GPU, which stands still while a thread wakes up: tens of microseconds, and hundreds after milliseconds of sleep, when
    /// the core itself has gone to sleep. So longer than a decode step of a large model takes, where the host has cores to spare.
    /// </summary>
    public static TimeSpan BesideGpu { get; } = TimeSpan.FromMilliseconds(Environment.ProcessorCount >= ManyProcessors ? 100 : 10);
}
