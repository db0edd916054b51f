using System.Globalization;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Serving.Health;

/// <summary>How far the launch has come, for those who ask over HTTP, beside the display of the command. Thread-safe.</summary>
internal sealed class LoadProgress(ILaunchObserver display) : ILaunchObserver
{
    private readonly Lock _lock = new();
    private (long Done, long Total, bool Loaded)[] _stages = [];

    public void Starting(int stages, bool local)
    {
        lock (_lock)
        {
            _stages = new (long, long, bool)[stages];
        }

        display.Starting(stages, local);
    }

    public void Tell(string line) => display.Tell(line);

    public void Retrying(int stage, string address, int attempt, string reason) => display.Retrying(stage, address, attempt, reason);

    public void Loading(int stage, long bytesDone, long bytesTotal)
    {
        lock (_lock)
        {
            _stages[stage] = (bytesDone, bytesTotal, false);
        }

        display.Loading(stage, bytesDone, bytesTotal);
    }

    public void Loaded(int stage, long bytes, double seconds)
    {
        lock (_lock)
        {
            _stages[stage] = (bytes, bytes, true);
        }

        display.Loaded(stage, bytes, seconds);
    }

    /// <summary>For instance <c>1 of 4 stages loaded, 61 % of the bytes known so far</c>.</summary>
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
            return $"{_stages.Count(stage => stage.Loaded)} of {_stages.Length} stages loaded{share}";
        }
    }
}
