using Pipeline.Model.CudaRuntime;

namespace Pipeline.Model.DeviceHops;

/// <summary>
/// Hidden states on their way between device and host, for a stage whose neighbour does not see its device. Large ones are copied
/// in a stream of their own while the device computes another step: the step itself only copies them on the device, which takes
/// a fiftieth of the time. Small ones are not worth the two more calls.
/// </summary>
internal sealed class HostCopies(CudaStream compute) : IDisposable
{
    private const long LeastAside = 1 << 20;

    private readonly CudaStream _aside = CudaStream.NonBlocking();
    private readonly Stage[] _incoming = [new(), new()];
    private readonly Stage[] _outgoing = [new(), new()];
    private int _turn;

    /// <summary>Queues the copy of a step's input; what is queued in the computing stream from here on comes after it.</summary>
    public void Bring(nint to, PinnedMemory from, long bytes)
    {
        if (bytes < LeastAside)
        {
            compute.CopyToDevice(to, from.Pointer, bytes);
            return;
        }

        var stage = Next(_incoming, bytes);
        _aside.WaitFor(stage.Read);
        _aside.CopyToDevice(stage.Pointer, from.Pointer, bytes);
        stage.Written.Record(_aside);
        compute.WaitFor(stage.Written);
        compute.CopyOnDevice(to, stage.Pointer, bytes);
        stage.Read.Record(compute);
    }

    /// <summary>Queues the copy of a step's output; returns the stream that has come to its end when the copy is there.</summary>
    public CudaStream Take(PinnedMemory to, nint from, long bytes)
    {
        if (bytes < LeastAside)
        {
            compute.CopyToHost(to.Pointer, from, bytes);
            return compute;
        }

        var stage = Next(_outgoing, bytes);
        compute.WaitFor(stage.Read);
        compute.CopyOnDevice(stage.Pointer, from, bytes);
        stage.Written.Record(compute);
        _aside.WaitFor(stage.Written);
        _aside.CopyToHost(to.Pointer, stage.Pointer, bytes);
        stage.Read.Record(_aside);
        return _aside;
    }

    /// <summary>Waits until nothing is under way, where failures no longer matter.</summary>
    public void Settle() => _aside.Settle();

    public void Dispose()
    {
        _aside.Settle();
        foreach (var stage in (Stage[])[.. _incoming, .. _outgoing])
        {
            stage.Dispose();
        }

        _aside.Dispose();
    }

    private Stage Next(Stage[] stages, long bytes)
    {
        _turn ^= 1;
        var stage = stages[_turn];
        if (stage.Bytes < bytes)
        {
            _aside.Synchronize();
            compute.Synchronize();
            stage.Grow(bytes, compute);
        }

        return stage;
    }

    /// <summary>Device memory between the two streams.</summary>
    private sealed class Stage : IDisposable
    {
        private DeviceMemory? _memory;

        public long Bytes => _memory?.Bytes ?? 0;

        public nint Pointer => _memory!.Pointer;

        public CudaEvent Written { get; } = CudaEvent.Untimed();

        public CudaEvent Read { get; } = CudaEvent.Untimed();

        public void Grow(long bytes, CudaStream stream)
        {
            _memory?.Dispose();
            _memory = new DeviceMemory(bytes, stream);
            stream.Synchronize(); // it is cleared there, and written first in the other stream
        }

        public void Dispose()
        {
            _memory?.Dispose();
            Written.Dispose();
            Read.Dispose();
        }
    }
}
