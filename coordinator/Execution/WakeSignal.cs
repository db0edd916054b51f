using System.Threading.Channels;

namespace Pipeline.Coordinator.Execution;

/// <summary>Wakes one waiting loop. Signals that come while nobody waits are remembered as one; the waiter may continue on the caller's thread.</summary>
public sealed class WakeSignal
{
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true, AllowSynchronousContinuations = true });

    public void Set() => _signal.Writer.TryWrite(true);

    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _signal.Reader.ReadAsync(cancellationToken);
}
