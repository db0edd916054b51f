namespace Pipeline.Protos.Security;

/// <summary>What a process is in the pipeline.</summary>
public enum PeerRole
{
    Coordinator,
    Stage,
}
