using Pipeline.Model.Checkpoints;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.ReadAhead;

namespace Pipeline.Model.CudaKernels;

/// <summary>
/// Brings one reader's pieces to the device through two pinned buffers: while one is being copied the other is being read into.
/// Pieces that are not bf16 rows yet go through memory on the device as well, from which a kernel takes them.
/// </summary>
internal sealed class CudaPieceTarget : IPieceTarget
{
    private readonly WeightPlacement _placement;
    private readonly CudaStream _stream;
    private readonly Buffer[] _buffers;
    private int _current;

    /// <param name="stream">Of the copies; several targets may share it.</param>
    public CudaPieceTarget(CudaDevice device, WeightPlacement placement, CudaStream stream, int pieceBytes)
    {
        device.MakeCurrent();
        (_placement, _stream) = (placement, stream);
        _buffers = [new Buffer(pieceBytes), new Buffer(pieceBytes)];
    }

    public Span<byte> Rent(int bytes)
    {
        _current = 1 - _current;
        _buffers[_current].Copied.Synchronize();
        return _buffers[_current].Room(bytes);
    }

    public void Place(StoredPiece piece, nint weight)
    {
        var buffer = _buffers[_current];
        if (WeightPlacement.IsPlainCopy(piece))
        {
            _stream.CopyToDevice(WeightPlacement.AddressOf(piece, weight), buffer.Host.Pointer, piece.Length);
        }
        else
        {
            var stored = buffer.OnDevice(_stream).Pointer;
            _stream.CopyToDevice(stored, buffer.Host.Pointer, piece.Length);
            _placement.Place(_stream, piece, stored, weight);
        }

        buffer.Copied.Record(_stream);
    }

    public void Finish() => Array.ForEach(_buffers, buffer => buffer.Copied.Synchronize());

    public void Dispose()
    {
        // Whatever made the reader stop: a copy may be under way, and needs its memory.
        _ = CudaDriver.cuStreamSynchronize(_stream.Handle);
        Array.ForEach(_buffers, buffer => buffer.Dispose());
    }

    private sealed class Buffer(int pieceBytes) : IDisposable
    {
        private DeviceMemory? _stored;

        public PinnedMemory Host { get; private set; } = new(pieceBytes, giveBack: null);

        public CudaEvent Copied { get; } = CudaEvent.Restful();

        /// <summary>Only a row that is longer than a piece should be needs more than there is.</summary>
        public Span<byte> Room(int bytes)
        {
            if (bytes > Host.Length)
            {
                Host.Free();
                Host = new PinnedMemory(bytes, giveBack: null);
            }

            return Host.GetSpan()[..bytes];
        }

        public DeviceMemory OnDevice(CudaStream stream)
        {
            if (_stored is null || _stored.Bytes < Host.Length)
            {
                _stored?.Dispose();
                _stored = new DeviceMemory(Host.Length, stream);
            }

            return _stored;
        }

        public void Dispose()
        {
            Host.Free();
            _stored?.Dispose();
            Copied.Dispose();
        }
    }
}
