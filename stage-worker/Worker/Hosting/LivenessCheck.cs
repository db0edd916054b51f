using Microsoft.Extensions.Diagnostics.HealthChecks;
using Pipeline.StageWorker.Execution;

namespace Pipeline.StageWorker.Hosting;

/// <summary>Alive means: the process answers, and a new one would not be of more use than this one.</summary>
public sealed class LivenessCheck(DeviceHealth device) : IHealthCheck
{
    public const string Name = "liveness";

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken) =>
        Task.FromResult(device.Loss is { } loss ? HealthCheckResult.Unhealthy(loss) : HealthCheckResult.Healthy());
}
