using Pipeline.Protos.SharedMemory;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Sessions;

namespace Pipeline.StageWorker.Services;

/// <summary>The steps of one call, and the memory that they come through, if they do not come in frames: a ring, and the device memory of the sender.</summary>
internal sealed class IncomingSteps(StageSession session, IAsyncEnumerable<StageInput> steps, RingReader? ring = null, IDeviceInbox? inbox = null) : IAsyncDisposable
{
    public IAsyncEnumerable<StageInput> Steps => steps;

    /// <summary>
    /// All steps are over, or none was read. The device's memory is let go by the thread that has opened it; with that thread it has
    /// gone by itself.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        ring?.Dispose();
        if (inbox is not null)
        {
            Task closing = session.Thread.RunAsync(() =>
            {
                inbox.Dispose();
                return true;
            });
            await closing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
