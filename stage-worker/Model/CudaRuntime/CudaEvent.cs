using System.Runtime.InteropServices;

namespace Pipeline.Model.CudaRuntime;

/// <summary>A mark in a stream: the host asks whether the device has come to it, streams wait for it.</summary>
internal sealed class CudaEvent : IDisposable
{
    private const int NotReady = 600;
    private const uint Sleep = 1;
    private const uint WithoutTime = 2;
    private const uint BetweenProcesses = 4;

    private CudaEvent(nint handle) => Handle = handle;

    public nint Handle { get; }

    /// <summary>One whose time can be read.</summary>
    public static CudaEvent Timed() => Create(0);

    /// <summary>One that another process can wait for.</summary>
    public static CudaEvent Shared() => Create(WithoutTime | BetweenProcesses);

    public static CudaEvent Untimed() => Create(WithoutTime);

    /// <summary>One for which a thread waits without spinning.</summary>
    public static CudaEvent Restful() => Create(Sleep | WithoutTime);

    /// <summary>Another process's event; the two must not be the same process.</summary>
    public static CudaEvent Open(ReadOnlySpan<byte> exported)
    {
        CudaException.Check(CudaDriver.cuIpcOpenEventHandle(out var handle, MemoryMarshal.Read<CudaDriver.IpcHandle>(exported)), "open another process's event");
        return new CudaEvent(handle);
    }

    /// <summary>Writes the 64 bytes by which another process opens a shared event.</summary>
    public void Export(Span<byte> place)
    {
        CudaException.Check(CudaDriver.cuIpcGetEventHandle(out var handle, Handle), "share an event");
        MemoryMarshal.Write(place, handle);
    }

    public void Record(CudaStream stream) => CudaException.Check(CudaDriver.cuEventRecord(Handle, stream.Handle), "record an event");

    /// <summary>Whether the device has come to it; true for one that was never recorded. Throws what the device has met with before.</summary>
    public bool HasHappened()
    {
        var result = CudaDriver.cuEventQuery(Handle);
        if (result == NotReady)
        {
            return false;
        }

        CudaException.Check(result, "finish a step");
        return true;
    }

    public void Synchronize() => CudaException.Check(CudaDriver.cuEventSynchronize(Handle), "finish a step");

    /// <summary>From another timed event to this one; both have happened.</summary>
    public TimeSpan TimeSince(CudaEvent earlier)
    {
        CudaException.Check(CudaDriver.cuEventElapsedTime(out var milliseconds, earlier.Handle, Handle), "read the device's clock");
        return TimeSpan.FromMilliseconds(milliseconds);
    }

    public void Dispose() => _ = CudaDriver.cuEventDestroy(Handle);

    private static CudaEvent Create(uint flags)
    {
        CudaException.Check(CudaDriver.cuEventCreate(out var handle, flags), "create an event");
        return new CudaEvent(handle);
    }
}
