using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Execution;
using Pipeline.StageWorker.Security;

namespace Pipeline.StageWorker.Sessions;

/// <summary>
/// A worker serves one coordinator at a time; this holds whose turn it is. Leases are numbered, and the number fences: who shows
/// that of an earlier one is turned away, so that a coordinator which was cut off cannot disturb the one that came after.
/// </summary>
public sealed class StageLease(TimeProvider timeProvider, StageClock clock, DeviceHealth health, PeerSecurity security) : IAsyncDisposable
{
    /// <summary>Longer than anything takes to stop that a GPU has begun; what has not ended by then hangs.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(60);

    /// <summary>There a step may take minutes.</summary>
    private static readonly TimeSpan EndPatienceOnCpu = TimeSpan.FromSeconds(600);

    private readonly Lock _lock = new();
    private StageSession? _session;
    private long _lastNumber;

    public StageSession? Current
    {
        get
        {
            lock (_lock)
            {
                return _session;
            }
        }
    }

    public StageSession Take(string coordinator, int stageIndex, int stageCount)
    {
        health.Require();
        security.RequireStage(stageIndex);
        lock (_lock)
        {
            if (_session is { } holder)
            {
                throw new StageException(StageError.AlreadyInUse, $"this worker already serves coordinator {holder.Coordinator} as stage {holder.StageIndex}", stageIndex);
            }

            // By the clock, so that a worker that is started anew does not begin where an old coordinator still is.
            _lastNumber = Math.Max(_lastNumber + 1, timeProvider.GetUtcNow().ToUnixTimeMilliseconds());
            return _session = new StageSession(_lastNumber, coordinator, stageIndex, stageCount, clock, health, security);
        }
    }

    /// <summary>The current session, for calls that need one and show its number.</summary>
    public StageSession Require(long? number)
    {
        var session = Current ?? throw new StageException(StageError.NotReady, "nobody holds the lease on this worker: attach first");
        return number == session.Lease
            ? session
            : throw new StageException(
                StageError.StaleLease, $"the call is made under {(number is null ? "no lease" : $"lease {number}")}; this worker serves coordinator {session.Coordinator} under lease {session.Lease}", session.StageIndex);
    }

    /// <summary>Gives everything of the session back; only then can the next coordinator come.</summary>
    public async Task EndAsync(StageSession session)
    {
        try
        {
            await EndWatchedAsync(session.DisposeAsync().AsTask(), session.IsOnCpu ? EndPatienceOnCpu : EndPatience);
        }
        finally
        {
            lock (_lock)
            {
                // Whoever ends a session late must not take the lease of the one that came after.
                _session = _session == session ? null : _session;
            }
        }
    }

    /// <summary>A device that hangs never gives a session back. Then a new process would be of more use than this one, and whoever asks is told so.</summary>
    private async Task EndWatchedAsync(Task ending, TimeSpan patience)
    {
        try
        {
            await ending.WaitAsync(patience, timeProvider);
        }
        catch (TimeoutException)
        {
            health.Suspect(new StageException(StageError.DeviceLost, $"what it computed for its last coordinator has not ended for {patience.TotalSeconds:F0} s"));
            await ending;
            health.Suspect(null);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Current is { } session)
        {
            await EndAsync(session);
        }
    }
}
