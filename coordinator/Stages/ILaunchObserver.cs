namespace Pipeline.Coordinator.Stages;

/// <summary>Hears how a pipeline is built, breaks and is brought back. Calls may come from several threads.</summary>
public interface ILaunchObserver
{
    void Starting(int stages, bool local);

    /// <summary>A line that the user should see, now or while the pipeline runs.</summary>
    void Tell(string line);

    void Retrying(int stage, string address, int attempt, string reason);

    void Reached(int stage, string address);

    void Loading(int stage, long bytesDone, long bytesTotal);

    void Loaded(int stage, long bytes, double seconds);

    void Lost(int stage, string reason);

    /// <summary>All stages are in their places again.</summary>
    void Recovered(double seconds);
}
