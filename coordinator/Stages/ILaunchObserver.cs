namespace Pipeline.Coordinator.Stages;

/// <summary>Hears how the building of a pipeline goes on. Calls may come from several threads.</summary>
public interface ILaunchObserver
{
    void Starting(int stages, bool local);

    /// <summary>A line that the user should see, now or while the pipeline runs.</summary>
    void Tell(string line);

    void Retrying(int stage, string address, int attempt, string reason);

    void Loading(int stage, long bytesDone, long bytesTotal);

    void Loaded(int stage, long bytes, double seconds);
}
