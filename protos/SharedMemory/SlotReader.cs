namespace Pipeline.Protos.SharedMemory;

/// <summary>A thread that waits for the slots of a ring in turn and hands each to whoever wants it, who frees it.</summary>
internal sealed unsafe class SlotReader(SharedRing ring) : IDisposable
{
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _failure;
    private volatile bool _isCompleted;

    public SharedRing Ring => ring;

    /// <summary>The thread has ended.</summary>
    public Task Finished => _finished.Task;

    /// <param name="take">Gets a slot's number and what is written there, read once.</param>
    /// <param name="end">Told how it ended: null when all was read, else why not.</param>
    /// <param name="alertness">How long to look out for the next message before sleeping.</param>
    public void Start(Action<int, SlotControl> take, Action<Exception?> end, TimeSpan alertness) =>
        new Thread(() => Run(take, end, alertness)) { Name = "ring", IsBackground = true }.Start();

    /// <summary>Nothing more is written; what is there will still be read, unless the writer has failed.</summary>
    public void Complete(Exception? failure = null)
    {
        _failure = failure;
        _isCompleted = true;
        ring.Published.Ring();
    }

    public ReadOnlySpan<byte> Header(int slot, SlotControl control) => control.HeaderBytes >= 0 && control.HeaderBytes <= ring.Layout.HeaderCapacity
        ? new ReadOnlySpan<byte>(ring.Header(slot), control.HeaderBytes)
        : throw new InvalidDataException($"a header of {control.HeaderBytes} bytes in a slot for {ring.Layout.HeaderCapacity}");

    /// <summary>Gives a slot back to the writer.</summary>
    public void Free(int slot)
    {
        Volatile.Write(ref ring.Control(slot).State, SlotControl.Free);
        ring.Released.Ring();
    }

    public void Dispose() => ring.Dispose();

    private void Run(Action<int, SlotControl> take, Action<Exception?> end, TimeSpan alertness)
    {
        try
        {
            ReadAll(take, alertness);
            end(_failure);
        }
        catch (Exception exception)
        {
            end(exception);
        }
        finally
        {
            _finished.TrySetResult();
        }
    }

    private void ReadAll(Action<int, SlotControl> take, TimeSpan alertness)
    {
        for (var next = 0; ;)
        {
            var seen = ring.Published.Count;
            var isLast = _isCompleted; // read before the slot: what was published before the end is not missed
            if (isLast && _failure is not null)
            {
                return;
            }

            ref var control = ref ring.Control(next);
            if (Volatile.Read(ref control.State) == SlotControl.Published)
            {
                control.State = SlotControl.Taken;
                take(next, control); // a copy: what is checked is what is used
                next = (next + 1) % ring.Layout.SlotCount;
            }
            else if (isLast)
            {
                return;
            }
            else
            {
                ring.Published.Wait(seen, alertness);
            }
        }
    }
}
