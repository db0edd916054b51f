using System.Runtime.InteropServices;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Execution;

/// <summary>What an exception out of the maths means to the rest of the pipeline.</summary>
public static class ComputeFailures
{
    public static StageError Classify(Exception exception) => exception switch
    {
        OutOfMemoryException => StageError.OutOfMemory,
        ExternalException when exception.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase) => StageError.OutOfMemory,
        ExternalException when exception.Message.Contains("not enough memory", StringComparison.OrdinalIgnoreCase) => StageError.OutOfMemory,
        _ => StageError.ComputeFailed,
    };

    /// <summary>First line of the message: libtorch appends its own stack.</summary>
    public static string Describe(Exception exception) => exception.Message.Split('\n', 2)[0];
}
