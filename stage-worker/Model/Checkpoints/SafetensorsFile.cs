using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pipeline.Shared.Checkpoints;

namespace Pipeline.Model.Checkpoints;

/// <summary>A safetensors file mapped read-only into memory. Bytes are fetched from disk only where they are looked at.</summary>
public sealed unsafe partial class SafetensorsFile : IDisposable
{
    private const int DontNeed = 4;

    private readonly SafeFileHandle _handle;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _start;

    private SafetensorsFile(string path, SafetensorsHeader header, SafeFileHandle handle, MemoryMappedFile map)
    {
        Path = path;
        Header = header;
        _handle = handle;
        _map = map;
        _view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
    }

    public string Path { get; }

    public SafetensorsHeader Header { get; }

    /// <summary>Checks the header and maps the file.</summary>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            var header = SafetensorsHeader.Read(path);
            var handle = File.OpenHandle(path);
            var map = MemoryMappedFile.CreateFromFile(handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            return new SafetensorsFile(path, header, handle, map);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path} cannot be mapped: {error.Message}", error);
        }
    }

    /// <summary>A tensor of the file. Refuses one that is not there or whose element type no weight has.</summary>
    public TensorBytes Tensor(string name)
    {
        if (!Header.Tensors.TryGetValue(name, out var entry))
        {
            throw new CheckpointException($"{Path} has no tensor {name}");
        }

        var type = entry.Type.ToElementType() ?? throw new CheckpointException(
            $"{Path}: tensor {name} is {entry.Type.HeaderName()}; "
            + "weights must be BF16, F16 or F32 (quantised checkpoints are not supported)");
        return new TensorBytes(this, entry, type);
    }

    public void Dispose()
    {
        if (_start is not null)
        {
            _start = null;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
        }

        _view.Dispose();
        _map.Dispose();
    }

    /// <summary>
    /// Lets go of the pages that lie wholly inside a range. The system would do so only when memory runs short; until then a
    /// shard would be in memory twice, as file and as weights. Looking at them again brings them back.
    /// </summary>
    internal void Release(long fileOffset, long length)
    {
        var page = Environment.SystemPageSize;
        var first = (fileOffset + page - 1) / page * page;
        var end = (fileOffset + length) / page * page;
        if (OperatingSystem.IsLinux() && _start is not null && end > first)
        {
            // Advice: a refusal costs nothing but memory.
            _ = Advise(_start + first, (nuint)(end - first), DontNeed);
        }
    }

    /// <summary>Reads bytes of a tensor at their place in the file: several threads at once, and a short file is an error, not a signal.</summary>
    internal void Read(TensorEntry tensor, long offset, Span<byte> destination)
    {
        var position = tensor.FileOffset + offset;
        try
        {
            while (!destination.IsEmpty)
            {
                var count = RandomAccess.Read(_handle, destination, position);
                if (count == 0)
                {
                    throw new CheckpointException(
                        $"{Path} is truncated: tensor {tensor.Name} needs bytes {tensor.FileOffset} to {tensor.FileOffset + tensor.ByteLength}, the file ends at {position}");
                }

                destination = destination[count..];
                position += count;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{Path} cannot be read: tensor {tensor.Name}, byte {position}: {error.Message}", error);
        }
    }

    internal ReadOnlySpan<byte> Slice(long fileOffset, int length)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        return new ReadOnlySpan<byte>(_start + fileOffset, length);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
