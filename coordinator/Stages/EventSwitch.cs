using Pipeline.Protos.Clients;

namespace Pipeline.Coordinator.Stages;

/// <summary>
/// Hands what the stages tell to the pipeline of the present epoch. Leases outlive epochs: a stage that stays is told of once, and
/// speaks to whatever comes. Thread-safe.
/// </summary>
internal sealed class EventSwitch
{
    private volatile StageEventHandlers? _present;

    /// <summary>To be attached to every stage.</summary>
    public StageEventHandlers Handlers => new(
        result => _present?.OnResult(result),
        reports => _present?.OnReports(reports),
        failure => _present?.OnFailure(failure));

    public void TurnTo(GrpcPipeline pipeline) => _present = pipeline.Handlers;
}
