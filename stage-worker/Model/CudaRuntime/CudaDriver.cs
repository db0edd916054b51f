using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pipeline.Model.CudaRuntime;

/// <summary>
/// The CUDA driver's own functions, by their own names. Everything here works on the primary context of a device, the one
/// that libtorch uses too. Each returns a result code: <see cref="CudaException.Check"/> takes it.
/// </summary>
internal static unsafe partial class CudaDriver
{
    private const string Library = "libcuda.so.1";

    [LibraryImport(Library)]
    internal static partial int cuInit(uint flags);

    [LibraryImport(Library)]
    internal static partial int cuDriverGetVersion(out int version);

    [LibraryImport(Library)]
    internal static partial int cuDeviceGetCount(out int count);

    [LibraryImport(Library)]
    internal static partial int cuDeviceGet(out int device, int ordinal);

    [LibraryImport(Library)]
    internal static partial int cuDeviceGetName(byte* name, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetUuid_v2")]
    internal static partial int cuDeviceGetUuid(byte* uuid, int device);

    [LibraryImport(Library)]
    internal static partial int cuDeviceGetAttribute(out int value, int attribute, int device);

    [LibraryImport(Library)]
    internal static partial int cuDevicePrimaryCtxRetain(out nint context, int device);

    [LibraryImport(Library)]
    internal static partial int cuCtxSetCurrent(nint context);

    [LibraryImport(Library)]
    internal static partial int cuCtxGetCurrent(out nint context);

    [LibraryImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    internal static partial int cuMemGetInfo(out nuint free, out nuint total);

    [LibraryImport(Library)]
    internal static partial int cuModuleLoadData(out nint module, byte* image);

    [LibraryImport(Library)]
    internal static partial int cuModuleUnload(nint module);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int cuModuleGetFunction(out nint function, nint module, string name);

    [LibraryImport(Library)]
    internal static partial int cuFuncSetAttribute(nint function, int attribute, int value);

    [LibraryImport(Library)]
    internal static partial int cuFuncGetAttribute(out int value, int attribute, nint function);

    [LibraryImport(Library)]
    internal static partial int cuLaunchKernelEx(LaunchConfig* config, nint function, void** arguments, void** extra);

    [LibraryImport(Library)]
    internal static partial int cuTensorMapEncodeTiled(
        TensorMap* map, int type, uint rank, nint address, ulong* sizes, ulong* strides, uint* box, uint* steps, int interleave, int swizzle, int promotion, int fill);

    [LibraryImport(Library)]
    internal static partial int cuStreamCreate(out nint stream, uint flags);

    [LibraryImport(Library, EntryPoint = "cuStreamDestroy_v2")]
    internal static partial int cuStreamDestroy(nint stream);

    [LibraryImport(Library)]
    internal static partial int cuStreamSynchronize(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamBeginCapture_v2")]
    internal static partial int cuStreamBeginCapture(nint stream, int mode);

    [LibraryImport(Library)]
    internal static partial int cuStreamEndCapture(nint stream, out nint graph);

    [LibraryImport(Library)]
    internal static partial int cuGraphInstantiateWithFlags(out nint executable, nint graph, ulong flags);

    [LibraryImport(Library)]
    internal static partial int cuGraphLaunch(nint executable, nint stream);

    [LibraryImport(Library)]
    internal static partial int cuGraphExecDestroy(nint executable);

    [LibraryImport(Library)]
    internal static partial int cuGraphDestroy(nint graph);

    [LibraryImport(Library)]
    internal static partial int cuMemHostAlloc(out nint pointer, nuint bytes, uint flags);

    [LibraryImport(Library)]
    internal static partial int cuMemFreeHost(nint pointer);

    [LibraryImport(Library, EntryPoint = "cuMemAlloc_v2")]
    internal static partial int cuMemAlloc(out nint pointer, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemFree_v2")]
    internal static partial int cuMemFree(nint pointer);

    [LibraryImport(Library)]
    internal static partial int cuMemsetD8Async(nint pointer, byte value, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    internal static partial int cuMemcpyHtoDAsync(nint to, nint from, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoHAsync_v2")]
    internal static partial int cuMemcpyDtoHAsync(nint to, nint from, nuint bytes, nint stream);

    /// <summary>Either side may be memory of any device, or of another process.</summary>
    [LibraryImport(Library)]
    internal static partial int cuMemcpyAsync(nint to, nint from, nuint bytes, nint stream);

    [LibraryImport(Library)]
    internal static partial int cuEventCreate(out nint created, uint flags);

    [LibraryImport(Library, EntryPoint = "cuEventDestroy_v2")]
    internal static partial int cuEventDestroy(nint recorded);

    [LibraryImport(Library)]
    internal static partial int cuEventQuery(nint recorded);

    [LibraryImport(Library)]
    internal static partial int cuEventSynchronize(nint recorded);

    [LibraryImport(Library)]
    internal static partial int cuStreamWaitEvent(nint stream, nint recorded, uint flags);

    [LibraryImport(Library)]
    internal static partial int cuIpcGetMemHandle(out IpcHandle handle, nint pointer);

    [LibraryImport(Library, EntryPoint = "cuIpcOpenMemHandle_v2")]
    internal static partial int cuIpcOpenMemHandle(out nint pointer, IpcHandle handle, uint flags);

    [LibraryImport(Library)]
    internal static partial int cuIpcCloseMemHandle(nint pointer);

    [LibraryImport(Library)]
    internal static partial int cuIpcGetEventHandle(out IpcHandle handle, nint recorded);

    [LibraryImport(Library)]
    internal static partial int cuIpcOpenEventHandle(out nint opened, IpcHandle handle);

    [LibraryImport(Library)]
    internal static partial int cuEventRecord(nint recorded, nint stream);

    [LibraryImport(Library)]
    internal static partial int cuEventElapsedTime(out float milliseconds, nint start, nint end);

    [LibraryImport(Library)]
    internal static partial int cuGetErrorName(int error, out nint text);

    [LibraryImport(Library)]
    internal static partial int cuGetErrorString(int error, out nint text);

    /// <summary>CUlaunchConfig.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct LaunchConfig
    {
        public uint GridX;
        public uint GridY;
        public uint GridZ;
        public uint BlockX;
        public uint BlockY;
        public uint BlockZ;
        public uint SharedBytes;
        public nint Stream;
        public LaunchAttribute* Attributes;
        public uint AttributeCount;
    }

    /// <summary>CUlaunchAttribute: an id, padding, and a union of 64 bytes of which only the first integer is used here.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 72)]
    internal struct LaunchAttribute
    {
        public int Id;
        public int Padding;
        public int Value;
    }

    /// <summary>CUipcMemHandle and CUipcEventHandle: 64 bytes that only the driver understands.</summary>
    [InlineArray(64)]
    internal struct IpcHandle
    {
        private byte _first;
    }
}
