namespace Pipeline.Shared.Checkpoints;

/// <summary>Weights are missing, damaged or not those of the configured model. The message names the file and the tensor.</summary>
public sealed class CheckpointException : Exception
{
    public CheckpointException(string message)
        : base(message)
    {
    }

    public CheckpointException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
