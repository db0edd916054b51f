using Microsoft.Extensions.Options;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.NativeLibraries;
using Pipeline.Shared.Stages;
using TorchSharp;

namespace Pipeline.StageWorker.Hosting;

/// <summary>The device this worker computes on.</summary>
public sealed class WorkerDevice(IOptions<WorkerOptions> options)
{
    public string Name { get; } = options.Value.Device == "cuda" ? "cuda:0" : options.Value.Device;

    public bool IsCpu => Name == "cpu";

    public string Description => IsCpu ? HostInfo.ProcessorName : Ask(device => device.Name, Name);

    /// <summary>Whether processes that share the device compute at the same time; they take turns otherwise.</summary>
    public bool HasConcurrentProcesses => !IsCpu && Ask(device => device.HasConcurrentProcesses, false);

    public long MemoryTotal => IsCpu ? HostInfo.MemoryTotal : Ask(device => device.Memory().Total, 0);

    public long MemoryFree => IsCpu ? HostInfo.MemoryAvailable : Ask(device => device.Memory().Free, 0);

    /// <summary>Loads libtorch and gives the device; on the compute thread.</summary>
    public torch.Device Open()
    {
        if (!IsCpu)
        {
            CheckDriver();
        }

        try
        {
            TorchRuntime.EnsureLoaded();
        }
        catch (TorchRuntimeException exception)
        {
            throw new StageException(StageError.DeviceUnavailable, exception.Message, inner: exception);
        }

        if (IsCpu)
        {
            return torch.CPU;
        }

        if (!TorchRuntime.HasCuda)
        {
            throw Unavailable($"{Name}: the driver is there, but the libtorch in {TorchRuntime.EnsureLoaded()} is built for the CPU only; set {TorchRuntime.LibTorchVariable} to the torch/lib of a PyTorch with CUDA, or build with -p:LibTorch=cuda");
        }

        // Without this TorchSharp looks for its own CUDA package by file name; the libraries are here already.
        torch.InitializeDeviceType(DeviceType.CUDA);
        return torch.cuda.is_available()
            ? new torch.Device(DeviceType.CUDA, Index)
            : throw Unavailable($"{Name}: libtorch cannot use the driver of this host, which is for CUDA {CudaDevice.DriverVersion}; a newer driver or an older libtorch is needed");
    }

    private int Index => int.Parse(Name.AsSpan("cuda:".Length), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The driver's answers come first: they are the plainest.</summary>
    private void CheckDriver()
    {
        try
        {
            var device = CudaDevice.Open(Index);
            if (!device.HasBFloat16)
            {
                throw Unavailable($"{Name} is a {device.Name} of compute capability {device.Major}.{device.Minor}; bfloat16 needs 8.0 (Ampere) or newer");
            }
        }
        catch (CudaException exception)
        {
            throw Unavailable(exception.Message, exception);
        }
    }

    /// <summary>A worker says hello before it is known whether its device works; what is wrong is told when it is needed.</summary>
    private T Ask<T>(Func<CudaDevice, T> question, T otherwise)
    {
        try
        {
            return question(CudaDevice.Open(Index));
        }
        catch (CudaException)
        {
            return otherwise;
        }
    }

    private static StageException Unavailable(string message, Exception? inner = null) => new(StageError.DeviceUnavailable, message, inner: inner);
}
