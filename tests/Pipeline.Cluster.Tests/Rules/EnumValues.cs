using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Manifests.Kinds;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>Words out of closed sets, which the loader takes for any text. A word that may be left out is null.</summary>
internal static class EnumValues
{
    public static IEnumerable<string> Complaints(ManifestSet set) =>
        from found in set.Objects.SelectMany(OfObject).Concat(set.PodSources.SelectMany(OfPod))
        where found.Value is not null && !found.Allowed.Split(' ').Contains(found.Value)
        select $"{found.Where} is '{found.Value}', which is none of: {found.Allowed}";

    private static IEnumerable<(string Where, string? Value, string Allowed)> OfObject(k8s.IKubernetesObject<V1ObjectMeta> item)
    {
        var name = $"{item.Kind} {item.Metadata?.Name}";
        return item switch
        {
            V1StatefulSet { Spec: var spec } => [($"{name}: podManagementPolicy", spec.PodManagementPolicy, "Parallel OrderedReady"), ($"{name}: updateStrategy", spec.UpdateStrategy?.Type, "RollingUpdate OnDelete")],
            V1Deployment { Spec: var spec } => [($"{name}: strategy", spec.Strategy?.Type, "Recreate RollingUpdate")],
            V1Service { Spec: var spec } => [($"{name}: type", spec.Type, "ClusterIP NodePort LoadBalancer ExternalName"), .. spec.Ports.Select(port => ($"{name}: protocol", port.Protocol, Protocols))],
            V1PodDisruptionBudget { Spec: var spec } => [($"{name}: unhealthyPodEvictionPolicy", spec.UnhealthyPodEvictionPolicy, "IfHealthyBudget AlwaysAllow")],
            V1NetworkPolicy { Spec: var spec } =>
            [
                .. (spec.PolicyTypes ?? []).Select(type => ($"{name}: policyTypes", (string?)type, "Ingress Egress")),
                .. (spec.Ingress ?? []).SelectMany(rule => rule.Ports ?? []).Concat((spec.Egress ?? []).SelectMany(rule => rule.Ports ?? [])).Select(port => ($"{name}: protocol", port.Protocol, Protocols)),
            ],
            V1PersistentVolumeClaim { Spec: var spec } => [.. spec.AccessModes.Select(mode => ($"{name}: accessModes", (string?)mode, "ReadWriteOnce ReadOnlyMany ReadWriteMany ReadWriteOncePod"))],
            LeaderWorkerSet { Spec: var spec } =>
            [
                ($"{name}: startupPolicy", spec.StartupPolicy, "LeaderCreated LeaderReady"),
                ($"{name}: subdomainPolicy", spec.NetworkConfig?.SubdomainPolicy, "Shared UniquePerReplica"),
                ($"{name}: restartPolicy", spec.LeaderWorkerTemplate.RestartPolicy, "Default RecreateGroupOnPodRestart RecreateGroupAfterStart None"),
            ],
            Certificate { Spec: var spec } =>
            [
                ($"{name}: algorithm", spec.PrivateKey?.Algorithm, "RSA ECDSA Ed25519"), ($"{name}: rotationPolicy", spec.PrivateKey?.RotationPolicy, "Never Always"),
                ($"{name}: issuerRef", spec.IssuerRef?.Kind, "Issuer ClusterIssuer"), .. spec.Usages.Select(usage => ($"{name}: usages", (string?)usage.Replace(' ', '-'), "digital-signature server-auth client-auth cert-sign")),
            ],
            _ => [],
        };
    }

    private const string Protocols = "TCP UDP SCTP";

    private static IEnumerable<(string Where, string? Value, string Allowed)> OfPod(PodSource source) =>
    [
        ($"{source.Owner}: restartPolicy", source.Spec.RestartPolicy, "Always OnFailure Never"),
        ($"{source.Owner}: seccompProfile", source.Spec.SecurityContext?.SeccompProfile?.Type, "RuntimeDefault Localhost Unconfined"),
        ($"{source.Owner}: fsGroupChangePolicy", source.Spec.SecurityContext?.FsGroupChangePolicy, "OnRootMismatch Always"),
        .. source.AllContainers.Select(container => ($"{source.Owner}: imagePullPolicy", container.ImagePullPolicy, "Always IfNotPresent Never")),
        .. source.AllContainers.SelectMany(container => container.Ports ?? []).Select(port => ($"{source.Owner}: protocol", port.Protocol, Protocols)),
        .. (source.Spec.Tolerations ?? []).SelectMany(toleration => new[] { ($"{source.Owner}: toleration operator", toleration.OperatorProperty, "Exists Equal"), ($"{source.Owner}: toleration effect", toleration.Effect, "NoSchedule PreferNoSchedule NoExecute") }),
        .. (source.Spec.Volumes ?? []).Select(volume => ($"{source.Owner}: hostPath type", volume.HostPath?.Type, "DirectoryOrCreate Directory FileOrCreate File")),
    ];
}
