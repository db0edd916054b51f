namespace Pipeline.StageWorker.Security;

/// <summary>Marks the connections of the port that answers probes. A feature of the connection.</summary>
internal sealed class HealthOnly
{
    public static HealthOnly Mark { get; } = new();
}
