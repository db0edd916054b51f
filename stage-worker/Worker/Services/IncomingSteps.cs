using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Sessions;

namespace Pipeline.StageWorker.Services;

/// <summary>The steps of one call, and the device memory out of which their hidden states are read, if they lie in such.</summary>
internal sealed class IncomingSteps(StageSession session, IAsyncEnumerable<StageInput> steps, IDeviceInbox? inbox) : IAsyncDisposable
{
    public IAsyncEnumerable<StageInput> Steps => steps;

    /// <summary>All steps are over. The memory is let go by the thread that has opened it; with that thread it has gone by itself.</summary>
    public async ValueTask DisposeAsync()
    {
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
