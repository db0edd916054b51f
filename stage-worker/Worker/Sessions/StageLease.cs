using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Execution;
using Pipeline.StageWorker.Security;

namespace Pipeline.StageWorker.Sessions;

/// <summary>A worker serves one coordinator at a time; this holds whose turn it is.</summary>
public sealed class StageLease(StageClock clock, DeviceHealth health, PeerSecurity security) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private StageSession? _session;

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

            return _session = new StageSession(coordinator, stageIndex, stageCount, clock, health, security);
        }
    }

    /// <summary>The current session, for calls that need one.</summary>
    public StageSession Require() => Current ?? throw new StageException(StageError.NotReady, "nobody holds the lease on this worker: attach first");

    /// <summary>Gives everything of the session back; only then can the next coordinator come.</summary>
    public async Task EndAsync(StageSession session)
    {
        await session.DisposeAsync();
        lock (_lock)
        {
            // Whoever ends a session late must not take the lease of the one that came after.
            _session = _session == session ? null : _session;
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
