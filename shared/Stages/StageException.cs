namespace Pipeline.Shared.Stages;

/// <summary>A typed failure of a stage. <see cref="StageIndex"/> names the stage when it is known.</summary>
public sealed class StageException(StageError error, string message, int? stageIndex = null, Exception? inner = null) : Exception(message, inner)
{
    public StageError Error { get; } = error;

    public int? StageIndex { get; } = stageIndex;

    /// <summary>The step that failed, where it was one and no other.</summary>
    public long? Step { get; init; }

    /// <summary>The same failure with the stage's index filled in.</summary>
    public StageException At(int stageIndex) => StageIndex is null ? new StageException(Error, Message, stageIndex, this) { Step = Step } : this;

    /// <summary>The same failure with the step filled in.</summary>
    public StageException In(long step) => Step is null ? new StageException(Error, Message, StageIndex, this) { Step = step } : this;
}
