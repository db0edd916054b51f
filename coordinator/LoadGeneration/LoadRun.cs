namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>
/// Makes requests when the arrival process says so, whether or not earlier ones are through, and gathers what was seen of each.
/// When it is cancelled it makes no more, ends those under way, and gives what there is.
/// </summary>
public sealed class LoadRun(LoadSettings settings, Func<LoadPrompt, CancellationToken, Task<RequestOutcome>> measure, LoadClock clock, LoadProgress progress)
{
    /// <summary>Outcomes in the order of the prompts; requests that were never made are missing.</summary>
    public async Task<IReadOnlyList<RequestOutcome>> RunAsync(IReadOnlyList<LoadPrompt> prompts, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        using var places = new SemaphoreSlim(settings.MaxConcurrency ?? prompts.Count + 1);
        var arrivals = new ArrivalProcess(settings.RequestRate, settings.Burstiness, settings.Seed).Milliseconds(prompts.Count);
        var began = clock.Now;
        var made = new List<Task<RequestOutcome?>>(prompts.Count);
        for (var index = 0; index < prompts.Count && await ReachedAsync(began + arrivals[index], cancellationToken).ConfigureAwait(false); index++)
        {
            made.Add(MakeAsync(prompts[index], places, cancellationToken));
        }

        return [.. (await Task.WhenAll(made).ConfigureAwait(false)).OfType<RequestOutcome>()];
    }

    /// <summary>False when the run was cancelled before.</summary>
    private async Task<bool> ReachedAsync(double time, CancellationToken cancellationToken)
    {
        try
        {
            while (!cancellationToken.IsCancellationRequested && time - clock.Now is > 0 and var left)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(left)), clock.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // What was made so far is still to be gathered.
        }

        return !cancellationToken.IsCancellationRequested;
    }

    private async Task<RequestOutcome?> MakeAsync(LoadPrompt prompt, SemaphoreSlim places, CancellationToken cancellationToken)
    {
        try
        {
            await places.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return null;
        }

        try
        {
            progress.Begin();
            var outcome = await measure(prompt, cancellationToken).ConfigureAwait(false);
            progress.End(outcome);
            return outcome;
        }
        finally
        {
            places.Release();
        }
    }
}
