using Microsoft.Extensions.Diagnostics.HealthChecks;
using Pipeline.StageWorker.Sessions;

namespace Pipeline.StageWorker.Hosting;

/// <summary>Ready means: a shard is loaded, its cache allotted, steps are accepted.</summary>
public sealed class ReadinessCheck(StageLease lease) : IHealthCheck
{
    public const string Name = "readiness";

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken) => Task.FromResult(
        lease.Current is { IsStarted: true } ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("no shard is started"));
}
