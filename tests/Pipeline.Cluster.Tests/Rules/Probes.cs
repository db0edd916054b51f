using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;
using Pipeline.StageWorker.Hosting;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>All three probes on everything that lasts, and each asks what the program answers.</summary>
internal static class Probes
{
    private static readonly string[] HealthServices = [LivenessCheck.Name, ReadinessCheck.Name, AvailabilityCheck.Name];
    private static readonly string[] HealthPaths = ["/health", "/health/ready", "/health/live"];

    public static IEnumerable<string> Complaints(ManifestSet set) =>
        from source in set.PodSources
        where source.IsLasting
        from container in source.Spec.Containers
        from complaint in OfContainer(container).Concat(OfRollout(source, container))
        select $"{source.Owner}, {container.Name}: {complaint}";

    /// <summary>No stage is ready before all are, so stages that go one after the other must not wait for that; and no two may be away at once.</summary>
    private static IEnumerable<string> OfRollout(PodSource source, V1Container container) => source.Role != "stage" ? [] :
    [
        .. container.ReadinessProbe?.Grpc?.Service == ReadinessCheck.Name ? ["the readiness probe asks for readiness, which no stage has before all have it: a rollout would wait forever"] : Array.Empty<string>(),
        .. source.Selector is not null && source.MinReadySeconds == 0 ? ["minReadySeconds is missing: the next stage would go before this one is loaded"] : Array.Empty<string>(),
    ];

    private static IEnumerable<string> OfContainer(V1Container container) =>
    [
        .. OfProbe("startup", container.StartupProbe, container), .. OfProbe("readiness", container.ReadinessProbe, container), .. OfProbe("liveness", container.LivenessProbe, container),
        .. container.LivenessProbe is { } alive && (alive.Grpc?.Service == ReadinessCheck.Name || alive.HttpGet?.Path is "/health" or "/health/ready")
            ? ["the liveness probe asks for readiness: it would restart what is loading"] : Array.Empty<string>(),
    ];

    private static IEnumerable<string> OfProbe(string name, V1Probe? probe, V1Container container)
    {
        var ports = container.Ports ?? [];
        return probe switch
        {
            null => [$"there is no {name} probe"],
            { Grpc: { } grpc } =>
            [
                .. HealthServices.Contains(grpc.Service) ? Array.Empty<string>() : [$"the {name} probe asks for the service '{grpc.Service}', which the program does not have"],
                .. ports.Any(port => port.Name == "health" && port.ContainerPort == grpc.Port) ? Array.Empty<string>() : [$"the {name} probe asks port {grpc.Port}, which is not the declared health port"],
                .. (container.Args ?? []).Any(argument => argument.StartsWith("--health-listen=", StringComparison.Ordinal) && argument.EndsWith($":{grpc.Port}", StringComparison.Ordinal))
                    ? Array.Empty<string>() : [$"the {name} probe asks port {grpc.Port}, where the program is not told to serve health"],
            ],
            { HttpGet: { } http } =>
            [
                .. HealthPaths.Contains(http.Path) ? Array.Empty<string>() : [$"the {name} probe asks for {http.Path}, which the program does not have"],
                .. ports.Any(port => port.Name == http.Port.Value) ? Array.Empty<string>() : [$"the {name} probe asks port {http.Port.Value}, which is not declared"],
            ],
            _ => [$"the {name} probe is neither grpc nor http"],
        };
    }
}
