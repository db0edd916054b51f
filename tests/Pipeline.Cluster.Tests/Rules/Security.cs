using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>The restricted profile of Kubernetes, and what it does not ask for: nothing to write to, no token, no strangers' variables.</summary>
internal static class Security
{
    private const string EnforcedLevel = "pod-security.kubernetes.io/enforce";
    private const long User = 1654;

    public static IEnumerable<string> Complaints(ManifestSet set) =>
    [
        .. set.PodSources.SelectMany(source => OfPod(source.Spec, source.Role).Select(complaint => $"{source.Owner}: {complaint}")),
        .. from source in set.PodSources
           from container in source.AllContainers
           from complaint in OfContainer(container.SecurityContext)
           select $"{source.Owner}, {container.Name}: {complaint}",
        .. from level in set.Of<V1Namespace>().Select(item => item.Metadata.Labels?.TryGetValue(EnforcedLevel, out var level) is true ? level : "none")
           let wanted = set.PodSources.SelectMany(source => source.Spec.Volumes ?? []).Any(volume => volume.HostPath is not null) ? "privileged" : "restricted"
           where level != wanted
           select $"the namespace enforces the profile '{level}', but the pods are made for '{wanted}'",
        .. from role in new[] { "stage", "coordinator" }
           where set.Role(role) is { } source && !set.Of<V1NetworkPolicy>().Any(policy => source.Matches(policy.Spec.PodSelector.MatchLabels) && policy.Spec.PolicyTypes?.Count == 2)
           select $"no NetworkPolicy for both ways holds the {role}",
        .. from policy in set.Of<V1NetworkPolicy>()
           where set.Role("stage")?.Matches(policy.Spec.PodSelector.MatchLabels) is true && (policy.Spec.Ingress ?? []).Any(rule => rule.FromProperty is not { Count: > 0 })
           select $"NetworkPolicy {policy.Metadata.Name}: anybody may talk to the stages",
    ];

    private static IEnumerable<string> OfPod(V1PodSpec pod, string role) =>
    [
        .. Unless(pod.SecurityContext is { RunAsNonRoot: true, RunAsUser: User, SeccompProfile.Type: "RuntimeDefault" }, $"runs neither as {User} without root nor under the default seccomp profile"),
        .. Unless(pod.AutomountServiceAccountToken is false, "carries a token of the cluster, which it has no use for"),
        .. Unless(pod.EnableServiceLinks is false, "gets variables named after the Services of the namespace"),
        .. Unless(pod is { HostNetwork: not true, HostPID: not true, HostIPC: not true }, "shares namespaces with its node"),
        .. Unless(role != "", "has no role by its labels"),
    ];

    private static IEnumerable<string> OfContainer(V1SecurityContext? context) =>
    [
        .. Unless(context is { AllowPrivilegeEscalation: false, Privileged: not true } && context.Capabilities is { Add: null, Drop: ["ALL"] }, "keeps privileges that the restricted profile refuses"),
        .. Unless(context?.ReadOnlyRootFilesystem is true, "could write to its root file system"),
    ];

    private static string[] Unless(bool holds, string complaint) => holds ? [] : [complaint];
}
