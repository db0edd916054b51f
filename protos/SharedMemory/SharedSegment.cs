using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Pipeline.Protos.SharedMemory;

/// <summary>
/// Memory that several processes of a host see. It has no name in any file system: another process of the same user finds it
/// through the one that made it, and it is gone when the last of them is. Pages take memory when they are first touched.
/// </summary>
internal sealed unsafe partial class SharedSegment : IDisposable
{
    private const string Name = "pipeline-ring";
    private const uint CloseOnExecute = 1;
    private const uint AllowSealing = 2;
    private const int AddSeals = 1033;
    private const int GetSeals = 1034;

    // F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW. Memory that its maker could still cut off would take a reader's process with it.
    private const int FixedLength = 1 | 2 | 4;

    private readonly SafeFileHandle? _made;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private bool _isDisposed;

    private SharedSegment(SafeFileHandle? made, MemoryMappedFile file, long length)
    {
        _made = made;
        _file = file;
        Length = length;
        _view = file.CreateViewAccessor(0, length);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Start = start;
    }

    public byte* Start { get; }

    public long Length { get; }

    /// <summary>The number under which this process knows it, for others to find; only where it was made.</summary>
    public int Descriptor => (int)(_made ?? throw new InvalidOperationException("this process did not make the segment")).DangerousGetHandle();

    public static SharedSegment Create(long length)
    {
        var descriptor = CreateMemoryFile(Name, CloseOnExecute | AllowSealing);
        if (descriptor < 0)
        {
            throw new IOException($"the system gives no shared memory (error {Marshal.GetLastPInvokeError()})");
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            RandomAccess.SetLength(handle, length);
            if (ControlFile(descriptor, AddSeals, FixedLength) != 0)
            {
                throw new IOException($"the system does not seal shared memory (error {Marshal.GetLastPInvokeError()})");
            }

            return new SharedSegment(handle, Map(handle, length), length);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Maps a segment that another process made; throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</summary>
    public static SharedSegment Open(int process, int descriptor, long length)
    {
        var path = $"/proc/{process}/fd/{descriptor}";
        if (new FileInfo(path).LinkTarget is not { } target || !target.StartsWith($"/memfd:{Name}", StringComparison.Ordinal))
        {
            throw new IOException($"process {process} is not visible from here (another container?)");
        }

        using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        if ((ControlFile((int)handle.DangerousGetHandle(), GetSeals, 0) & FixedLength) != FixedLength)
        {
            throw new IOException($"the shared memory of process {process} is not sealed: it could be cut off while it is read");
        }

        var found = RandomAccess.GetLength(handle);
        return found == length
            ? new SharedSegment(null, Map(handle, length), length)
            : throw new IOException($"the shared memory of process {process} has {found} bytes, {length} were announced");
    }

    /// <summary>Keeps the memory mapped until <see cref="Release"/>, whoever disposes of the segment before.</summary>
    public void Retain()
    {
        var added = false;
        _view.SafeMemoryMappedViewHandle.DangerousAddRef(ref added);
    }

    public void Release() => _view.SafeMemoryMappedViewHandle.DangerousRelease();

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
        _made?.Dispose();
    }

    private static MemoryMappedFile Map(SafeFileHandle handle, long length) =>
        MemoryMappedFile.CreateFromFile(handle, null, length, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int ControlFile(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int CreateMemoryFile(string name, uint flags);
}
