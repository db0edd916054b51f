using System.Runtime.InteropServices;

namespace Pipeline.Model.CudaRuntime;

/// <summary>The CUDA driver or one of its libraries refused a call; the message says which, and what it means.</summary>
public sealed class CudaException(string message, Exception? inner = null) : ExternalException(message, inner)
{
    private const int OutOfMemory = 2;

    /// <summary>
    /// After one of these every further call of the process fails: uncorrectable memory and link errors, faults of a kernel
    /// (700 to 719 but those about the call itself), a device that fell off the bus, errors that nobody knows.
    /// </summary>
    private static readonly int[] LastingErrors = [46, 214, 219, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 999];

    /// <summary>The device is lost to this process.</summary>
    public bool IsDeviceLost { get; private init; }

    internal static void Check(int result, string what)
    {
        if (result != 0)
        {
            throw Of(result, what);
        }
    }

    /// <summary>The failure that a result code of the driver stands for.</summary>
    public static CudaException Of(int result, string what) => new($"CUDA could not {what}: {Describe(result)}") { IsDeviceLost = LastingErrors.Contains(result) };

    private static string Describe(int result)
    {
        if (result == OutOfMemory)
        {
            return "out of memory on the device";
        }

        try
        {
            var known = CudaDriver.cuGetErrorName(result, out var name) == 0 & CudaDriver.cuGetErrorString(result, out var text) == 0;
            return known ? $"{Marshal.PtrToStringUTF8(name)}, {Marshal.PtrToStringUTF8(text)}" : $"error {result}";
        }
        catch (DllNotFoundException)
        {
            return $"error {result}";
        }
    }
}
