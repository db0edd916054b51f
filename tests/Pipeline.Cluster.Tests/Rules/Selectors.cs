using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Manifests.Kinds;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>Whoever selects by labels must hit what is there: nothing tells of a selector that hits nothing.</summary>
internal static class Selectors
{
    public static IEnumerable<string> Complaints(ManifestSet set)
    {
        var sources = set.PodSources;
        bool HitsPods(IDictionary<string, string>? labels) => sources.Any(source => source.Matches(labels));
        return
        [
            .. sources.Where(source => source.Selector is { } selector && !source.Matches(selector.MatchLabels)).Select(source => $"{source.Owner}: its selector does not match its own template"),
            .. set.Of<V1Service>().Where(service => !HitsPods(service.Spec.Selector)).Select(service => $"Service {service.Metadata.Name} selects no pods"),
            .. set.Of<V1PodDisruptionBudget>().Where(budget => !HitsPods(budget.Spec.Selector?.MatchLabels)).Select(budget => $"PodDisruptionBudget {budget.Metadata.Name} selects no pods"),
            .. set.Of<V1NetworkPolicy>().Where(policy => !set.IsBesideAnOverlay && !HitsPods(policy.Spec.PodSelector?.MatchLabels)).Select(policy => $"NetworkPolicy {policy.Metadata.Name} selects no pods"),
            .. from policy in set.Of<V1NetworkPolicy>()
               from peer in (policy.Spec.Ingress ?? []).SelectMany(rule => rule.FromProperty ?? []).Concat((policy.Spec.Egress ?? []).SelectMany(rule => rule.To ?? []))
               // Pods of other namespaces are not to be seen from here.
               where peer is { NamespaceSelector: null, IpBlock: null } && !HitsPods(peer.PodSelector?.MatchLabels)
               select $"NetworkPolicy {policy.Metadata.Name}: a peer selects no pods",
            .. from source in sources
               from term in (source.Spec.Affinity?.PodAffinity?.PreferredDuringSchedulingIgnoredDuringExecution ?? []).Select(weighted => weighted.PodAffinityTerm)
               where !HitsPods(term.LabelSelector?.MatchLabels)
               select $"{source.Owner}: its affinity selects no pods",
            .. from monitor in set.Of<ServiceMonitor>()
               where !set.Of<V1Service>().Any(service => monitor.Spec.Selector?.MatchLabels?.All(label => service.Metadata.Labels?.Contains(label) is true) is true)
               select $"ServiceMonitor {monitor.Metadata.Name} selects no Service",
        ];
    }
}
