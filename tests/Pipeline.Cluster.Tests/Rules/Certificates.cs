using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Manifests.Kinds;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>Either all links have certificates or none, and everybody finds the one that says who they are.</summary>
internal static class Certificates
{
    private static readonly string[] Files = ["ca.crt", "tls.crt", "tls.key"];

    public static IEnumerable<string> Complaints(ManifestSet set)
    {
        if (set.Role("coordinator") is not { } coordinator || set.Role("stage") is not { } stages)
        {
            return [];
        }

        var (coordinatorFolder, stageFolder) = (Folder(set, coordinator, 0), Folder(set, stages, 0));
        return (coordinatorFolder, stageFolder) switch
        {
            (null, null) => [],
            (null, _) or (_, null) => ["one side of the links has certificates, the other has none"],
            _ => OfCoordinator(set, coordinator, coordinatorFolder).Concat(Enumerable.Range(0, stages.Count).SelectMany(stage => OfStage(set, stages, stage))),
        };
    }

    private static IEnumerable<string> OfCoordinator(ManifestSet set, PodSource coordinator, string folder)
    {
        var secret = Volume(coordinator, folder)?.Secret?.SecretName;
        return secret is null ? [$"the coordinator's {folder} is no mounted Secret"] : OfSecret(set, secret, "spiffe://pipeline/coordinator");
    }

    private static IEnumerable<string> OfStage(ManifestSet set, PodSource stages, int stage)
    {
        var folder = Folder(set, stages, stage)!;
        var (mounted, name) = (Path.GetDirectoryName(folder)!, Path.GetFileName(folder));
        var found = (Volume(stages, mounted)?.Projected?.Sources ?? [])
            .Where(source => Files.All(file => source.Secret?.Items?.Any(item => item.Key == file && item.Path == $"{name}/{file}") is true)).ToList();
        return found is [var only] ? OfSecret(set, only.Secret.Name, $"spiffe://pipeline/stage/{stage}") : [$"stage {stage} does not find {string.Join(", ", Files)} in {folder}"];
    }

    private static IEnumerable<string> OfSecret(ManifestSet set, string secret, string identity)
    {
        var certificate = set.Of<Certificate>().FirstOrDefault(item => item.Spec.SecretName == secret);
        return certificate switch
        {
            null => [$"nothing makes the Secret {secret}"],
            _ when !certificate.Spec.Uris.SequenceEqual([identity]) => [$"the certificate in {secret} says {string.Join(", ", certificate.Spec.Uris)}, not {identity}"],
            _ when !certificate.Spec.Usages.Contains("server auth") || !certificate.Spec.Usages.Contains("client auth") => [$"the certificate in {secret} is not for both ends of a connection"],
            _ when set.Of<Issuer>().All(issuer => issuer.Metadata.Name != certificate.Spec.IssuerRef?.Name) => [$"nobody issues the certificate in {secret}"],
            _ => [],
        };
    }

    private static string? Folder(ManifestSet set, PodSource source, int stage)
    {
        var pod = Variables.ExamplePod with { Labels = new Dictionary<string, string> { ["apps.kubernetes.io/pod-index"] = $"{stage}", ["leaderworkerset.sigs.k8s.io/worker-index"] = $"{stage + 1}" } };
        return StageCounts.Value(Pods.ContainerSetup.Of(source.Spec.Containers[0], set, pod, (_, _) => null).Arguments, "--tls");
    }

    private static V1Volume? Volume(PodSource source, string path) =>
        source.Spec.Containers[0].VolumeMounts.FirstOrDefault(mount => mount.MountPath == path && mount.SubPath is null && mount.SubPathExpr is null) is { } mount
            ? source.Spec.Volumes.FirstOrDefault(volume => volume.Name == mount.Name)
            : null;
}
