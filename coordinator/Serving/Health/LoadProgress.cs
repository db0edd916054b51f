using System.Globalization;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Serving.Health;

/// <summary>
/// How far the launch has come, or the return of a stage that was lost, for those who ask over HTTP, beside the display of the
/// command. Thread-safe.
/// </summary>
internal sealed class LoadProgress(ILaunchObserver display) : ILaunchObserver
{
    private readonly Lock _lock = new();
    private StageProgress[] _stages = [];
    private bool _isLocal;

    public void Starting(int stages, bool local)
    {
        lock (_lock)
        {
            (_stages, _isLocal) = ([.. Enumerable.Repeat(new StageProgress(), stages)], local);
        }

        display.Starting(stages, local);
    }

    public void Tell(string line) => display.Tell(line);

    public void Retrying(int stage, string address, int attempt, string reason)
    {
        Update(stage, known => known with { Problem = reason });
        display.Retrying(stage, address, attempt, reason);
    }

    public void Reached(int stage, string address)
    {
        Update(stage, known => known with { IsReached = true, Problem = "" });
        display.Reached(stage, address);
    }

    public void Loading(int stage, long bytesDone, long bytesTotal)
    {
        Update(stage, known => known with { Done = bytesDone, Total = bytesTotal });
        display.Loading(stage, bytesDone, bytesTotal);
    }

    public void Loaded(int stage, long bytes, double seconds)
    {
        Update(stage, _ => new StageProgress { Done = bytes, Total = bytes, IsReached = true, IsLoaded = true });
        display.Loaded(stage, bytes, seconds);
    }

    public void Lost(int stage, string reason)
    {
        Update(stage, _ => new StageProgress { Problem = reason });
        display.Lost(stage, reason);
    }

    public void Recovered(double seconds) => display.Recovered(seconds);

    /// <summary>What stands against a stage, in two words; empty if nothing does.</summary>
    public string TroubleOf(int stage)
    {
        lock (_lock)
        {
            return stage < _stages.Length ? _stages[stage].Trouble : "";
        }
    }

    /// <summary>For instance <c>1 of 4 stages loaded, 61 % of the bytes known so far</c>, and who is missing.</summary>
    public string Describe()
    {
        lock (_lock)
        {
            if (_stages.Length == 0)
            {
                return "the workers are being started";
            }

            var (done, total) = (_stages.Sum(stage => stage.Done), _stages.Sum(stage => stage.Total));
            var share = total > 0 ? string.Create(CultureInfo.InvariantCulture, $", {100.0 * done / total:F0} % of the bytes known so far") : "";
            return $"{_stages.Count(stage => stage.IsLoaded)} of {_stages.Length} stages loaded{share}{Missing()}";
        }
    }

    /// <summary>Workers of this host are only being started; others are somewhere else, and it is worth knowing why they do not answer.</summary>
    private string Missing() => string.Concat(_stages.Select((stage, index) => stage.IsReached || (_isLocal && stage.Problem.Length == 0)
        ? "" : $"; stage {index} is missing{(stage.Problem.Length > 0 ? $": {stage.Problem}" : "")}"));

    private void Update(int stage, Func<StageProgress, StageProgress> change)
    {
        lock (_lock)
        {
            _stages[stage] = change(_stages[stage]);
        }
    }
}
