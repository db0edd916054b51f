using Pipeline.KernelBench;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.NativeLibraries;
using Pipeline.Shared.Models;
using TorchSharp;

// Times the CUDA kernels at the shapes of Mistral 7B and Mixtral 8x7B, each against cuBLAS, another kernel or its own bytes. Needs a
// GPU; prints a line per case. Arguments that begin with - go to the compiler, for variants (-D...); others choose what is timed.
string[] dense = ["linear", "attention", "sampling"];
string[] known = [.. dense, "experts"];
string[] wanted = [.. args.Where(arg => !arg.StartsWith('-'))];
if (wanted.FirstOrDefault(name => !known.Contains(name)) is { } unknown)
{
    Console.Error.WriteLine($"error: nothing is called '{unknown}'; there are {string.Join(", ", known)}");
    return 2;
}

string[] options = [.. args.Where(arg => arg.StartsWith('-'))];
TorchRuntime.EnsureLoaded();
torch.InitializeDeviceType(DeviceType.CUDA);
torch.set_grad_enabled(false);
var device = CudaDevice.Open(0);
device.MakeCurrent();
using var stream = new CudaStream();
using var cublas = new Cublas(stream);
Console.WriteLine($"{device.Name}, compute capability {device.Major}.{device.Minor}, driver for CUDA {CudaDevice.DriverVersion}, NVRTC {Nvrtc.Version}");

if (dense.Any(IsWanted))
{
    _ = KnownModels.TryGet("mistral-7b-v0.1", out var config);
    using var library = new KernelLibrary(device, config!, CubinCache.ForUser(), options);
    if (IsWanted("linear"))
    {
        new LinearBench(library, stream, cublas).Run(config!);
    }

    if (IsWanted("attention"))
    {
        new AttentionBench(library, stream, config!).Run();
    }

    if (IsWanted("sampling"))
    {
        new SamplingBench(library, stream).Run();
    }
}

if (IsWanted("experts"))
{
    _ = KnownModels.TryGet("mixtral-8x7b", out var config);
    using var library = new KernelLibrary(device, config!, CubinCache.ForUser(), options);
    new ExpertsBench(library, stream, cublas).Run(config!);
}

return 0;

bool IsWanted(string name) => wanted.Length == 0 || wanted.Contains(name);
