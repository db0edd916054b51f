namespace Pipeline.Model.CudaRuntime;

/// <summary>
/// Pinned memory for numbers on their way to the device, in a few copies that take turns: the host writes the next step's while
/// the device has yet to read the last one's.
/// </summary>
internal sealed class StagedUpload : IDisposable
{
    /// <summary>The step that is computed, the one queued behind it, and the one being written.</summary>
    private const int Turns = 3;

    private readonly CudaStream _stream;
    private readonly PinnedMemory[] _memory;
    private readonly CudaEvent[] _copied;
    private int _turn;

    public StagedUpload(CudaStream stream, int bytes)
    {
        _stream = stream;
        _memory = [.. Enumerable.Range(0, Turns).Select(_ => new PinnedMemory(bytes, giveBack: null))];
        _copied = [.. Enumerable.Range(0, Turns).Select(_ => CudaEvent.Untimed())];
    }

    public int Bytes => _memory[0].Length;

    /// <summary>Where to write; waits if the device is so far behind that it has not read what is there.</summary>
    public Span<byte> Write()
    {
        _turn = (_turn + 1) % Turns;
        _copied[_turn].Synchronize();
        return _memory[_turn].GetSpan();
    }

    /// <summary>Queues the copy of what was written last. Not to be recorded: a graph would read the same place each time.</summary>
    public void Copy(nint to, long bytes)
    {
        _stream.CopyToDevice(to, _memory[_turn].Pointer, bytes);
        _copied[_turn].Record(_stream);
    }

    public void Dispose()
    {
        for (var i = 0; i < Turns; i++)
        {
            _memory[i].Free();
            _copied[i].Dispose();
        }
    }
}
