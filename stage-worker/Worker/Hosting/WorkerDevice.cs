using Microsoft.Extensions.Options;
using Pipeline.Model.NativeLibraries;
using Pipeline.Shared.Stages;
using TorchSharp;

namespace Pipeline.StageWorker.Hosting;

/// <summary>The device this worker computes on.</summary>
public sealed class WorkerDevice(IOptions<WorkerOptions> options)
{
    public string Name { get; } = options.Value.Device == "cuda" ? "cuda:0" : options.Value.Device;

    public bool IsCpu => Name == "cpu";

    public string Description => IsCpu ? HostInfo.ProcessorName : Name;

    public long MemoryTotal => HostInfo.MemoryTotal;

    public long MemoryFree => HostInfo.MemoryAvailable;

    /// <summary>Loads libtorch and gives the device; on the compute thread.</summary>
    public torch.Device Open()
    {
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

        var index = int.Parse(Name.AsSpan("cuda:".Length), System.Globalization.CultureInfo.InvariantCulture);
        if (!torch.cuda.is_available())
        {
            throw new StageException(
                StageError.DeviceUnavailable, $"{Name} is not available: no CUDA driver, or this libtorch is built for the CPU only (build with -p:LibTorch=cuda or set {TorchRuntime.LibTorchVariable})");
        }

        var count = torch.cuda.device_count();
        return index < count
            ? new torch.Device(DeviceType.CUDA, index)
            : throw new StageException(StageError.DeviceUnavailable, $"{Name} does not exist: this host has {count} CUDA device(s), numbered from 0");
    }
}
