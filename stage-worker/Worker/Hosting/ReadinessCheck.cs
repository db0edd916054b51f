using Microsoft.Extensions.Diagnostics.HealthChecks;
using Pipeline.StageWorker.Execution;
using Pipeline.StageWorker.Sessions;

namespace Pipeline.StageWorker.Hosting;

/// <summary>Ready means: a shard is loaded, its cache allotted, steps are accepted.</summary>
public sealed class ReadinessCheck(StageLease lease, DeviceHealth device) : IHealthCheck
{
    public const string Name = "readiness";

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken) => Task.FromResult(
        lease.Current is { IsStarted: true } && device.Loss is null ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(device.Loss ?? "no shard is started"));
}
