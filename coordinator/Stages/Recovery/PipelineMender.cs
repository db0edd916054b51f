using System.Collections.Concurrent;
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

    private readonly ConcurrentDictionary<int, StageException> _missing = new();
    private StageException? _unopened;

    /// <summary>What keeps the pipeline from being whole at this moment: the first stage whose place is empty, or why no epoch opens. Null if nothing does.</summary>
    public StageException? Trouble => _missing.OrderBy(missing => missing.Key).Select(missing => missing.Value).FirstOrDefault() ?? Volatile.Read(ref _unopened);

    /// <summary>All places are taken when it returns.</summary>
    /// <param name="open">Makes a pipeline of them; what fails there is found out and mended like what failed before.</param>
    public async Task MendAsync(StageException failure, Func<CancellationToken, Task> open, CancellationToken cancellationToken)
    {
        var began = timeProvider.GetTimestamp();
        var (last, attempts) = (failure, 0);
        var silence = new StartSilence(settings.StepPatience, stage => seats.ElementAtOrDefault(stage)?.IsOnGpu ?? false, timeProvider);
        var policy = MendPolicy.Create(timeProvider, () => seats.All(CanTryAgain), exception =>
        {
            (last, attempts) = (exception, attempts + 1);
            silence.Take(exception);
        });
        await policy.ExecuteAsync(
            async token =>
            {
                var anyLost = await FillAsync(last, silence.HungStage, token);
                if (attempts > 0 && !anyLost)
                {
                    TellOfUnopened(last, attempts);
                }

                await open(token);
            },
            cancellationToken);
        if (Interlocked.Exchange(ref _unopened, null) is { } told)
        {
            observer.Reached(SeatOf(told).Stage, SeatOf(told).Name);
        }

        observer.Recovered(timeProvider.GetElapsedTime(began).TotalSeconds);
    }

    private bool CanTryAgain(StageSeat seat) => !seat.IsLocal || seat.Launches < MostLaunches;

    /// <summary>All are in their places, and yet it does not begin: between two of them, or for want of memory.</summary>
    private void TellOfUnopened(StageException failure, int attempt)
    {
        Volatile.Write(ref _unopened, failure);
        observer.Retrying(SeatOf(failure).Stage, SeatOf(failure).Name, attempt, failure.Message);
    }

    private StageSeat SeatOf(StageException failure) => seats.ElementAtOrDefault(failure.StageIndex ?? 0) ?? seats[0];

    /// <returns>Whether anybody was lost.</returns>
    private async Task<bool> FillAsync(StageException failure, int? hungStage, CancellationToken cancellationToken)
    {
        var there = await Task.WhenAll(seats.Select(seat => IsOfUseAsync(seat, failure, hungStage, cancellationToken)));
        cancellationToken.ThrowIfCancellationRequested();
        var lost = seats.Where(seat => !there[seat.Stage]).ToList();
        foreach (var seat in lost)
        {
            var loss = seat.Stage == failure.StageIndex ? failure : new StageException(StageError.StageLost, "does not answer any more", seat.Stage);
            _missing[seat.Stage] = loss;
            observer.Lost(seat.Stage, loss.Message);
        }

        // Each for itself: one that stays away must not keep another from loading.
        await Task.WhenAll(lost.Select(seat => FillAsync(seat, cancellationToken)));
        return lost.Count > 0;
    }

    /// <summary>A process whose device is lost or hangs in a step answers, and will never compute again.</summary>
    private static async Task<bool> IsOfUseAsync(StageSeat seat, StageException failure, int? hungStage, CancellationToken cancellationToken) =>
        seat.Stage != hungStage && !(IsLastWord(failure) && failure.StageIndex == seat.Stage) && await seat.IsThereAsync(cancellationToken);

    private static bool IsLastWord(StageException failure) => failure is { Error: StageError.DeviceLost } or { Error: StageError.Timeout, Step: not null };

    private async Task FillAsync(StageSeat seat, CancellationToken cancellationToken)
    {
        var attempts = 0;
        var policy = MendPolicy.Create(timeProvider, () => CanTryAgain(seat), TellOf);
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
        _missing.TryRemove(seat.Stage, out _);

        void TellOf(StageException failure)
        {
            _missing[seat.Stage] = failure.At(seat.Stage);
            observer.Retrying(seat.Stage, seat.Name, ++attempts, failure.Message);
        }
    }
}
