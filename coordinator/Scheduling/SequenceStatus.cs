namespace Pipeline.Coordinator.Scheduling;

/// <summary>Where a sequence stands.</summary>
public enum SequenceStatus
{
    /// <summary>Holds no blocks: not admitted yet, or preempted.</summary>
    Waiting,

    /// <summary>Admitted; its prompt's blocks are reserved.</summary>
    Running,

    /// <summary>Ended. A cancelled one keeps its blocks until its last step has come back.</summary>
    Finished,
}
