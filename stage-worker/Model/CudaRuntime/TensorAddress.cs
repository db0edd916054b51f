using System.Runtime.InteropServices;
using TorchSharp;

namespace Pipeline.Model.CudaRuntime;

/// <summary>Where a tensor's elements lie. TorchSharp itself tells this on the CPU only.</summary>
internal static partial class TensorAddress
{
    static TensorAddress() => CudaLibraries.EnsureRegistered();

    /// <summary>Address of the first element of a contiguous tensor, on whatever device it is.</summary>
    public static nint Of(torch.Tensor tensor)
    {
        var address = THSTensor_data(tensor.Handle);
        GC.KeepAlive(tensor);
        return address;
    }

    [LibraryImport(CudaLibraries.TorchSharp)]
    private static partial nint THSTensor_data(nint handle);
}
