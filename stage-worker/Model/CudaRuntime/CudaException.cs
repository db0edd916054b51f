using System.Runtime.InteropServices;

namespace Pipeline.Model.CudaRuntime;

/// <summary>The CUDA driver or one of its libraries refused a call; the message says which, and what it means.</summary>
public sealed class CudaException(string message, Exception? inner = null) : ExternalException(message, inner)
{
    private const int OutOfMemory = 2;

    internal static void Check(int result, string what)
    {
        if (result != 0)
        {
            throw new CudaException($"CUDA could not {what}: {Describe(result)}");
        }
    }

    private static string Describe(int result)
    {
        if (result == OutOfMemory)
        {
            return "out of memory on the device";
        }

        var known = CudaDriver.cuGetErrorName(result, out var name) == 0 & CudaDriver.cuGetErrorString(result, out var text) == 0;
        return known ? $"{Marshal.PtrToStringUTF8(name)}, {Marshal.PtrToStringUTF8(text)}" : $"error {result}";
    }
}
