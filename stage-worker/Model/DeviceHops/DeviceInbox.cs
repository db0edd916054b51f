using System.Runtime.InteropServices;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Batching;

namespace Pipeline.Model.DeviceHops;

/// <summary>The outbox of the stage before, opened by this process.</summary>
internal sealed class DeviceInbox : IDeviceInbox
{
    private const uint AllowPeers = 1; // the memory may be another device's

    private readonly nint _memory;
    private readonly long _slotBytes;
    private readonly CudaEvent[] _written;
    private bool _isDisposed;

    private DeviceInbox(nint memory, long slotBytes, CudaEvent[] written) => (_memory, _slotBytes, _written) = (memory, slotBytes, written);

    public int SlotCount => _written.Length;

    /// <summary>Throws <see cref="IOException"/> with the reason why it cannot be read from here. The device's context is current.</summary>
    public static DeviceInbox Open(ReadOnlySpan<byte> bytes)
    {
        var address = OutboxAddress.Parse(bytes);
        if (address.IsOwn)
        {
            throw new IOException("a process cannot open device memory of its own");
        }

        try
        {
            CudaException.Check(
                CudaDriver.cuIpcOpenMemHandle(out var memory, MemoryMarshal.Read<CudaDriver.IpcHandle>(address.Memory), AllowPeers), "open another process's device memory");
            return new DeviceInbox(memory, address.SlotBytes, OpenEvents(memory, address));
        }
        catch (CudaException exception) when (!exception.IsDeviceLost)
        {
            throw new IOException(exception.Message, exception);
        }
    }

    public IDeviceSlot Take(int index, IDisposable onRead) => new InboxSlot(index, _memory + (nint)(index * _slotBytes), _written[index], onRead);

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        foreach (var written in _written)
        {
            written.Dispose();
        }

        _ = CudaDriver.cuIpcCloseMemHandle(_memory);
    }

    private static CudaEvent[] OpenEvents(nint memory, OutboxAddress address)
    {
        List<CudaEvent> opened = [];
        try
        {
            while (opened.Count < address.SlotCount)
            {
                opened.Add(CudaEvent.Open(address.Event(opened.Count)));
            }

            return [.. opened];
        }
        catch
        {
            opened.ForEach(written => written.Dispose());
            _ = CudaDriver.cuIpcCloseMemHandle(memory);
            throw;
        }
    }
}
