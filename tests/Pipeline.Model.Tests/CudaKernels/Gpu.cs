using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.NativeLibraries;
using TorchSharp;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>The device for tests that need one; a host without skips them and says why.</summary>
internal static class Gpu
{
    private static readonly Lazy<string?> Obstacle = new(() =>
    {
        try
        {
            CudaDevice.Open(0);
            if (!TorchRuntime.HasCuda)
            {
                return $"a device is there, but libtorch is for the CPU; set {TorchRuntime.LibTorchVariable}";
            }

            torch.InitializeDeviceType(DeviceType.CUDA);
            return null;
        }
        catch (CudaException exception)
        {
            return exception.Message;
        }
    });

    public static torch.Device Require()
    {
        Assert.SkipWhen(Obstacle.Value is not null, Obstacle.Value ?? "");
        return new torch.Device(DeviceType.CUDA, 0);
    }

    /// <summary>For kernels that no other device has.</summary>
    public static torch.Device RequireHopper()
    {
        var device = Require();
        var cuda = CudaDevice.Open(0);
        Assert.SkipUnless(KernelLibrary.IsHopper(cuda.Major, cuda.Minor), $"{cuda.Name} is not a Hopper: its compute capability is {cuda.Major}.{cuda.Minor}");
        return device;
    }
}
