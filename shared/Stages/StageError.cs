namespace Pipeline.Shared.Stages;

/// <summary>What went wrong in or on the way to a stage. Closed: every failure on the wire is one of these.</summary>
public enum StageError
{
    /// <summary>The message breaks the format itself: lengths, missing fields, unknown enum values.</summary>
    Malformed = 1,
    ProtocolMismatch = 2,
    WrongEpoch = 3,
    OutOfOrder = 4,
    UnknownSequence = 5,
    DuplicateSequence = 6,
    PositionMismatch = 7,
    WrongShape = 8,
    WrongElementType = 9,
    TokenOutOfVocabulary = 10,
    BlockOutOfRange = 11,
    BatchTooLarge = 12,
    NotReady = 13,
    AlreadyInUse = 14,
    LoadFailed = 15,
    OutOfMemory = 16,
    DeviceUnavailable = 17,
    ComputeFailed = 18,
    /// <summary>The connection to a stage broke or its process died.</summary>
    StageLost = 19,
    Unreachable = 20,
    Timeout = 21,
    /// <summary>The device failed in a way that only a new process can get over.</summary>
    DeviceLost = 22,
    /// <summary>A certificate is not of whom the other side means, or does not allow what its holder wants.</summary>
    Untrusted = 23,
    /// <summary>The lease that a call is made under has ended, and another coordinator may hold the stage.</summary>
    StaleLease = 24,
}
