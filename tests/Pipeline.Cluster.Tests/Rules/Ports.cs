using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Manifests.Kinds;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>Ports that are named exist where they lead, and the names of a StatefulSet's pods have a Service to give them.</summary>
internal static class Ports
{
    public static IEnumerable<string> Complaints(ManifestSet set)
    {
        var sources = set.PodSources;
        return
        [
            .. from service in set.Of<V1Service>()
               from source in sources.Where(source => source.Matches(service.Spec.Selector))
               from port in service.Spec.Ports
               where !Has(source, port.TargetPort?.Value ?? port.Port.ToString(System.Globalization.CultureInfo.InvariantCulture))
               select $"Service {service.Metadata.Name}: {source.Owner} has no port {port.TargetPort?.Value}",
            .. from policy in set.Of<V1NetworkPolicy>()
               from source in sources.Where(source => source.Matches(policy.Spec.PodSelector.MatchLabels))
               from port in (policy.Spec.Ingress ?? []).SelectMany(rule => rule.Ports ?? [])
               where !Has(source, port.Port.Value)
               select $"NetworkPolicy {policy.Metadata.Name}: {source.Owner} has no port {port.Port.Value}",
            .. from policy in set.Of<V1NetworkPolicy>()
               from rule in policy.Spec.Egress ?? []
               from peer in rule.To ?? []
               from source in sources.Where(source => peer.NamespaceSelector is null && source.Matches(peer.PodSelector?.MatchLabels))
               from port in rule.Ports ?? []
               where !Has(source, port.Port.Value)
               select $"NetworkPolicy {policy.Metadata.Name}: {source.Owner}, where it leads, has no port {port.Port.Value}",
            .. from monitor in set.Of<ServiceMonitor>()
               from endpoint in monitor.Spec.Endpoints
               where !set.Of<V1Service>().Any(service => monitor.Spec.Selector!.MatchLabels.All(label => service.Metadata.Labels?.Contains(label) is true) && service.Spec.Ports.Any(port => port.Name == endpoint.Port))
               select $"ServiceMonitor {monitor.Metadata.Name}: its Service has no port {endpoint.Port}",
            .. from stages in set.Of<V1StatefulSet>()
               where !set.Of<V1Service>().Any(service => service.Metadata.Name == stages.Spec.ServiceName && service.Spec.ClusterIP == "None" && service.Spec.PublishNotReadyAddresses is true)
               select $"StatefulSet {stages.Metadata.Name}: no headless Service {stages.Spec.ServiceName} publishes its pods before they are ready",
        ];
    }

    private static bool Has(PodSource source, string port) =>
        source.Spec.Containers.SelectMany(container => container.Ports ?? []).Any(declared => declared.Name == port || declared.ContainerPort.ToString(System.Globalization.CultureInfo.InvariantCulture) == port);
}
