using Pipeline.KernelBench;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.NativeLibraries;
using Pipeline.Shared.Models;
using TorchSharp;

// Arguments go to the compiler, for variants (-D...). Times the CUDA kernels at the shapes of Mistral 7B, each against cuBLAS or its own bytes. Needs a GPU; prints a line per case.
TorchRuntime.EnsureLoaded();
torch.InitializeDeviceType(DeviceType.CUDA);
torch.set_grad_enabled(false);
_ = KnownModels.TryGet("mistral-7b-v0.1", out var config);
var device = CudaDevice.Open(0);
device.MakeCurrent();
using var library = new KernelLibrary(device, config!, CubinCache.ForUser(), args);
using var stream = new CudaStream();
using var cublas = new Cublas(stream);
Console.WriteLine($"{device.Name}, compute capability {device.Major}.{device.Minor}, driver for CUDA {CudaDevice.DriverVersion}, NVRTC {Nvrtc.Version}");
new LinearBench(library, stream, cublas).Run(config!);
new AttentionBench(library, stream, config!).Run();
new SamplingBench(library, stream).Run();
