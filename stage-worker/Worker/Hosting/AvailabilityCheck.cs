using Microsoft.Extensions.Diagnostics.HealthChecks;
using Pipeline.StageWorker.Execution;
using Pipeline.StageWorker.Sessions;

namespace Pipeline.StageWorker.Hosting;

/// <summary>
/// Available means: nothing is under way that this process alone must finish. It waits for a coordinator, or has done what the
/// coordinator asked. A rollout goes by this: going by readiness it would wait for the pipeline, which waits for the stages that are
/// yet to be rolled out.
/// </summary>
public sealed class AvailabilityCheck(StageLease lease, DeviceHealth device) : IHealthCheck
{
    public const string Name = "availability";

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken) => Task.FromResult(
        device.Loss is { } loss ? HealthCheckResult.Unhealthy(loss)
        : lease.Current is { IsChanging: true } ? HealthCheckResult.Unhealthy("a shard is being loaded")
        : HealthCheckResult.Healthy());
}
