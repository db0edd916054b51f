namespace Pipeline.Shared.Stages;

/// <summary>A typed failure of a stage. <see cref="StageIndex"/> names the stage when it is known.</summary>
public sealed class StageException(StageError error, string message, int? stageIndex = null, Exception? inner = null) : Exception(message, inner)
{
    public StageError Error { get; } = error;

    public int? StageIndex { get; } = stageIndex;

    /// <summary>The same failure with the stage's index filled in.</summary>
    public StageException At(int stageIndex) => StageIndex is null ? new StageException(Error, Message, stageIndex, this) : this;
}
