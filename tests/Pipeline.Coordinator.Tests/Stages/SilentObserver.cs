using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Tests.Stages;

/// <summary>Hears everything and shows nothing.</summary>
internal sealed class SilentObserver : ILaunchObserver
{
    public void Starting(int stages, bool local)
    {
    }

    public void Tell(string line)
    {
    }

    public void Retrying(int stage, string address, int attempt, string reason)
    {
    }

    public void Reached(int stage, string address)
    {
    }

    public void Loading(int stage, long bytesDone, long bytesTotal)
    {
    }

    public void Loaded(int stage, long bytes, double seconds)
    {
    }

    public void Lost(int stage, string reason)
    {
    }

    public void Recovered(double seconds)
    {
    }
}
