using System.Runtime.InteropServices;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Execution;

/// <summary>What an exception out of the maths means to the rest of the pipeline.</summary>
public static class ComputeFailures
{
    /// <summary>What libtorch says on a GPU, on Windows and on Linux.</summary>
    private static readonly string[] OutOfMemoryTexts = ["out of memory", "not enough memory", "can't allocate memory"];

    /// <summary>How libtorch begins what the CUDA runtime reports; memory that ran out is told in other words.</summary>
    private const string LibtorchDeviceError = "CUDA error: ";

    public static StageError Classify(Exception exception) => exception switch
    {
        OutOfMemoryException => StageError.OutOfMemory,
        CudaException { IsDeviceLost: true } => StageError.DeviceLost,
        ExternalException when OutOfMemoryTexts.Any(text => exception.Message.Contains(text, StringComparison.OrdinalIgnoreCase)) => StageError.OutOfMemory,
        ExternalException when exception.Message.StartsWith(LibtorchDeviceError, StringComparison.Ordinal) => StageError.DeviceLost,
        _ => StageError.ComputeFailed,
    };

    /// <summary>What a person can use of the message: libtorch appends its own stack, an argument's failure a name out of our source.</summary>
    public static string Describe(Exception exception)
    {
        var line = exception.Message.Split('\n', 2)[0];
        var parameter = $" (Parameter '{(exception as ArgumentException)?.ParamName}')";
        return line.EndsWith(parameter, StringComparison.Ordinal) ? line[..^parameter.Length] : line;
    }
}
