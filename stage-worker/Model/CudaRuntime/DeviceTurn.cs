using Pipeline.Model.Kernels;

namespace Pipeline.Model.CudaRuntime;

/// <summary>
/// The turn on one device among this user's processes on this host. The system takes it back from a process that dies with it.
/// </summary>
internal sealed class DeviceTurn : IDeviceTurn, IDisposable
{
    private readonly Mutex _mutex;

    private DeviceTurn(Mutex mutex) => _mutex = mutex;

    /// <summary>Null where processes cannot share a lock, for instance without a folder for temporary files.</summary>
    /// <param name="device">What all processes call the device.</param>
    public static DeviceTurn? Of(Guid device)
    {
        try
        {
            return new DeviceTurn(new Mutex(false, $"pipeline-{device:N}", new NamedWaitHandleOptions { CurrentUserOnly = true, CurrentSessionOnly = false }));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or WaitHandleCannotBeOpenedException)
        {
            return null;
        }
    }

    public bool TryEnter()
    {
        try
        {
            return _mutex.WaitOne(0);
        }
        catch (AbandonedMutexException)
        {
            return true;
        }
    }

    public void Leave() => _mutex.ReleaseMutex();

    public void Dispose() => _mutex.Dispose();
}
