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
}
