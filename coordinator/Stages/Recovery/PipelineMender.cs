using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages.Recovery;

/// <summary>
/// Brings back what a pipeline has lost: finds out who is gone, fills their places, each stage by itself, and leaves the others
/// their weights. Goes on until all are there, except that a worker of this host which dies again and again is given up.
/// </summary>
internal sealed class PipelineMender(IReadOnlyList<StageSeat> seats, EventSwitch events, PipelineSettings settings, TimeProvider timeProvider, ILaunchObserver observer)
{
    /// <summary>Workers launched for one place without any of them having been of use.</summary>
    public const int MostLaunches = 5;

    /// <summary>All places are taken when it returns.</summary>
    /// <param name="open">Makes a pipeline of them; what fails there is found out and mended like what failed before.</param>
    public async Task MendAsync(StageException failure, Func<CancellationToken, Task> open, CancellationToken cancellationToken)
    {
        var began = timeProvider.GetTimestamp();
        var last = failure;
        var policy = MendPolicy.Create(timeProvider, () => seats.All(CanTryAgain), exception => last = exception);
        await policy.ExecuteAsync(
            async token =>
            {
                await FillAsync(last, token);
                await open(token);
            },
            cancellationToken);
        observer.Recovered(timeProvider.GetElapsedTime(began).TotalSeconds);
    }

    private bool CanTryAgain(StageSeat seat) => !seat.IsLocal || seat.Launches < MostLaunches;

    private async Task FillAsync(StageException failure, CancellationToken cancellationToken)
    {
        var there = await Task.WhenAll(seats.Select(seat => IsOfUseAsync(seat, failure, cancellationToken)));
        cancellationToken.ThrowIfCancellationRequested();
        var lost = seats.Where(seat => !there[seat.Stage]).ToList();
        foreach (var seat in lost)
        {
            observer.Lost(seat.Stage, seat.Stage == failure.StageIndex ? failure.Message : "does not answer any more");
        }

        // Each for itself: one that stays away must not keep another from loading.
        await Task.WhenAll(lost.Select(seat => FillAsync(seat, cancellationToken)));
    }

    /// <summary>A process whose device is lost answers, and will never compute again.</summary>
    private static async Task<bool> IsOfUseAsync(StageSeat seat, StageException failure, CancellationToken cancellationToken) =>
        !(failure.Error == StageError.DeviceLost && failure.StageIndex == seat.Stage) && await seat.IsThereAsync(cancellationToken);

    private async Task FillAsync(StageSeat seat, CancellationToken cancellationToken)
    {
        var attempts = 0;
        var policy = MendPolicy.Create(timeProvider, () => CanTryAgain(seat), failure => observer.Retrying(seat.Stage, seat.Name, ++attempts, failure.Message));
        await policy.ExecuteAsync(
            async token =>
            {
                await seat.VacateAsync();
                await seat.LaunchAsync(token);
                await seat.ReachAsync(settings.ConnectPatience, token);
                await seat.AttachAsync(events.Handlers, token);
                await seat.LoadAsync(token);
            },
            cancellationToken);
    }
}
