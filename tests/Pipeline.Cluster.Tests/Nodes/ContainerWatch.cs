using k8s.Models;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>The probes of a container from its start to its end: first the one of the start, then readiness and liveness beside each other.</summary>
internal sealed class ContainerWatch(V1Container container, string address, ContainerProcess process, Func<ContainerProcess, Task> stop, Action<bool> ready, Action<string> tell)
{
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        if (!await HoldsAsync(container.StartupProbe, untilSuccess: true, _ => { }, cancellationToken))
        {
            tell("does not start, by its probe");
            await stop(process);
            return;
        }

        var readiness = HoldsAsync(container.ReadinessProbe, untilSuccess: false, ready, cancellationToken);
        var alive = await HoldsAsync(container.LivenessProbe, untilSuccess: false, _ => { }, cancellationToken, untilFailure: true);
        if (!alive)
        {
            tell("is not alive, by its probe");
            await stop(process);
        }

        await readiness;
    }

    /// <summary>Asks again and again, and tells each time what the thresholds make of the answers.</summary>
    private async Task<bool> HoldsAsync(V1Probe probe, bool untilSuccess, Action<bool> verdict, CancellationToken cancellationToken, bool untilFailure = false)
    {
        var failures = 0;
        while (true)
        {
            var holds = await Probe.AskAsync(probe, container, address, cancellationToken);
            failures = holds ? 0 : failures + 1;
            if (holds || failures >= (probe.FailureThreshold ?? 3))
            {
                verdict(holds);
                if (holds ? untilSuccess : untilSuccess || untilFailure)
                {
                    return holds;
                }
            }

            await Task.Delay(TimeSpan.FromSeconds(probe.PeriodSeconds ?? 10), cancellationToken);
        }
    }
}
