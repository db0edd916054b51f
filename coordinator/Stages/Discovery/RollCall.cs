using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages.Discovery;

/// <summary>Waits until every stage's worker is there; whoever waits in vain is told of all that are missing, not only of the first.</summary>
internal static class RollCall
{
    public static async Task WaitAsync(IReadOnlyList<StageSeat> seats, TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            await PipelineParts.AllAsync(seats, (seat, token) => seat.ReachAsync(patience, token), cancellationToken);
        }
        catch (StageException exception) when (exception.Error is StageError.Unreachable or StageError.Timeout)
        {
            var missing = seats.Where(seat => seat.Missing is not null).ToList();
            throw new StageException(
                exception.Error,
                $"{missing.Count} of {seats.Count} stages are not there after {patience.TotalSeconds:0.#} s: {string.Join("; ", missing.Select(seat => $"stage {seat.Stage} ({seat.Name}): {seat.Missing}"))}",
                inner: exception);
        }
    }
}
