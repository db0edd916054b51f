using System.Threading.Channels;
using Pipeline.Protos.Framing;
using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.SharedMemory;

/// <summary>
/// The receiving end of a ring of steps. Hidden states are read where they lie; a slot goes back to the writer when its step is
/// disposed of.
/// </summary>
public sealed class RingReader : IDisposable
{
    private readonly SlotReader _slots;

    // Whoever waits goes on in the reading thread: no second thread has to wake up.
    private readonly Channel<StageInput> _steps = Channel.CreateUnbounded<StageInput>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true, AllowSynchronousContinuations = true });

    private RingReader(SharedRing ring) => _slots = new SlotReader(ring);

    /// <summary>Finds the ring of another process; throws <see cref="IOException"/> with the reason why it cannot be used.</summary>
    public static RingReader Open(string address) => new(SharedRing.Open(address));

    /// <summary>Why this process cannot use a ring of another one; empty when it can.</summary>
    public static string Probe(string address)
    {
        try
        {
            SharedRing.Open(address).Dispose();
            return "";
        }
        catch (IOException exception)
        {
            return exception.Message;
        }
    }

    /// <summary>Begins to read steps whose hidden states come through the ring.</summary>
    public ChannelReader<StageInput> Start(FrameLimits limits, TimeSpan alertness) => Start(limits, null, alertness);

    /// <summary>Begins to read. Ends when the writer is done and all was read, or with the failure of <see cref="Complete"/>.</summary>
    /// <param name="inbox">Where hidden states lie that stay on the sender's device; null when it was not told that they may.</param>
    /// <param name="alertness">How long to look out for the next step before sleeping.</param>
    public ChannelReader<StageInput> Start(FrameLimits limits, IDeviceInbox? inbox, TimeSpan alertness)
    {
        _slots.Start((slot, control) => _steps.Writer.TryWrite(Take(slot, control, limits, inbox)), failure => _steps.Writer.TryComplete(failure), alertness);
        return _steps.Reader;
    }

    /// <summary>Nothing more is written; what is there will still be read, unless the writer has failed.</summary>
    public void Complete(Exception? failure = null) => _slots.Complete(failure);

    /// <summary>Waits for the thread after <see cref="Complete"/>, and gives back what nobody took.</summary>
    public async Task FinishAsync()
    {
        await _slots.Finished.ConfigureAwait(false);
        while (_steps.Reader.TryRead(out var unread))
        {
            unread.Dispose();
        }
    }

    /// <summary>Steps that are still in use keep the memory.</summary>
    public void Dispose() => _slots.Dispose();

    private StageInput Take(int slot, SlotControl control, FrameLimits limits, IDeviceInbox? inbox)
    {
        var memory = new SlotMemory(_slots, slot);
        try
        {
            var hidden = control.HasHidden == 0
                ? null
                : new TensorHeader { ElementType = (ElementType)control.ElementType, Rows = control.Rows, Width = control.Width };
            var microbatch = FrameRules.Accept(MicrobatchHeader.Parser.ParseFrom(_slots.Header(slot, control)), hidden, limits);
            if (hidden is null)
            {
                ((IDisposable)memory).Dispose();
                return new StageInput(microbatch, null);
            }

            return new StageInput(
                microbatch,
                control.DeviceSlot == 0
                    ? new HiddenStates(microbatch.TokenCount, limits.Width, limits.ElementType, memory)
                    : new HiddenStates(microbatch.TokenCount, limits.Width, limits.ElementType, TakeFrom(inbox, control.DeviceSlot, memory)));
        }
        catch (Exception exception)
        {
            ((IDisposable)memory).Dispose();
            throw exception is StageException ? exception : new StageException(StageError.Malformed, $"not a step: {exception.Message}", null, exception);
        }
    }

    private static IDeviceSlot TakeFrom(IDeviceInbox? inbox, int slot, SlotMemory memory) => slot > 0 && slot <= inbox?.SlotCount
        ? inbox.Take(slot - 1, memory)
        : throw new StageException(StageError.Malformed, $"hidden states in slot {slot} of device memory, this stage knows of {inbox?.SlotCount ?? 0}");
}
