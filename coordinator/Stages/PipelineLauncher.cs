using System.Net;
using Pipeline.Coordinator.Stages.Discovery;
using Pipeline.Coordinator.Stages.Recovery;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages;

/// <summary>
/// Builds a pipeline: start or find the workers, take their leases, load the shards side by side, size the cache, start the
/// stages from the last to the first. If any step fails, everything begun is undone before the failure is passed on.
/// </summary>
/// <param name="lookup">Finds the hosts of workers that are known by name.</param>
public sealed class PipelineLauncher(TimeProvider timeProvider, ILaunchObserver observer, NameLookup lookup)
{
    public PipelineLauncher(TimeProvider timeProvider, ILaunchObserver observer)
        : this(timeProvider, observer, Dns.GetHostAddressesAsync)
    {
    }

    public async Task<RunningPipeline> StartAsync(PipelineSettings settings, CancellationToken cancellationToken)
    {
        var certificates = WorkerSecurity.Open(settings, timeProvider, observer.Tell);
        List<StageSeat> seats = [.. Enumerable.Range(0, settings.StageCount).Select(stage => new StageSeat(settings, stage, certificates, timeProvider, lookup, observer))];
        var events = new EventSwitch();
        var mender = new PipelineMender(seats, events, settings, timeProvider, observer);
        RunningPipeline? pipeline = null;
        try
        {
            observer.Starting(settings.StageCount, settings.Workers.Count == 0);
            await PipelineParts.AllAsync(seats, (seat, token) => seat.LaunchAsync(token), cancellationToken);
            await ReachAsync(settings, seats, cancellationToken);
            settings = settings with { ComputeType = ChooseType(settings, seats) };
            try
            {
                await LoadAsync(settings, seats, events, cancellationToken);
                await OpenAsync(cancellationToken);
            }
            catch (StageException failure) when (settings.RecoveryPatience is not null && IsLoss(failure.Error))
            {
                await mender.MendAsync(failure, OpenAsync, cancellationToken);
            }

            return pipeline!;
        }
        catch
        {
            await (pipeline?.DisposeAsync().AsTask() ?? PipelineParts.DisposeAllAsync(seats));
            throw;
        }

        Task OpenAsync(CancellationToken token) => (pipeline ??= new RunningPipeline(settings, seats, events, mender, timeProvider)).OpenEpochAsync(token);
    }

    private static Task ReachAsync(PipelineSettings settings, IReadOnlyList<StageSeat> seats, CancellationToken cancellationToken) => settings.WorkersPatience is { } patience
        ? RollCall.WaitAsync(seats, patience, cancellationToken)
        : PipelineParts.AllAsync(seats, (seat, token) => seat.ReachAsync(settings.ConnectPatience, token), cancellationToken);

    private static ElementType ChooseType(PipelineSettings settings, IReadOnlyList<StageSeat> seats)
    {
        var type = settings.TypeFollowsWorkers ? UsualElementType.On(seats.Select(seat => seat.Hello.Device), settings.Model) : settings.ComputeType;
        foreach (var seat in seats)
        {
            seat.ComputeType = type;
        }

        return type;
    }

    private static async Task LoadAsync(PipelineSettings settings, IReadOnlyList<StageSeat> seats, EventSwitch events, CancellationToken cancellationToken)
    {
        if (settings.RecoveryPatience is null)
        {
            await PipelineParts.AllAsync(seats, (seat, token) => seat.AttachAsync(events.Handlers, token), cancellationToken);
            await PipelineParts.AllAsync(seats, (seat, token) => seat.LoadAsync(token), cancellationToken);
            return;
        }

        // What the others load is still of use when one of them is lost and brought back.
        await Task.WhenAll(seats.Select(async seat =>
        {
            await seat.AttachAsync(events.Handlers, cancellationToken);
            await seat.LoadAsync(cancellationToken);
        }));
    }

    /// <summary>What a worker that comes back can heal; a model that cannot be read, or does not fit, stays so.</summary>
    private static bool IsLoss(StageError error) =>
        error is StageError.StageLost or StageError.Unreachable or StageError.Timeout or StageError.NotReady or StageError.DeviceLost;
}
