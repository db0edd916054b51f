using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Manifests.Kinds;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>Volumes and mounts pair up, and what a volume names is there.</summary>
internal static class Volumes
{
    public static IEnumerable<string> Complaints(ManifestSet set) =>
    [
        .. from source in set.PodSources
           from container in source.AllContainers
           from mount in container.VolumeMounts ?? []
           where (source.Spec.Volumes ?? []).All(volume => volume.Name != mount.Name)
           select $"{source.Owner}, {container.Name}: mounts {mount.Name}, which is no volume of the pod",
        .. from source in set.PodSources
           from volume in source.Spec.Volumes ?? []
           where source.AllContainers.SelectMany(container => container.VolumeMounts ?? []).All(mount => mount.Name != volume.Name)
           select $"{source.Owner}: nobody mounts the volume {volume.Name}",
        .. from source in set.PodSources
           from volume in source.Spec.Volumes ?? []
           where volume.PersistentVolumeClaim is { } claim && set.Of<V1PersistentVolumeClaim>().All(made => made.Metadata.Name != claim.ClaimName)
           select $"{source.Owner}: there is no PersistentVolumeClaim {volume.PersistentVolumeClaim.ClaimName}",
        .. from source in set.PodSources
           from volume in source.Spec.Volumes ?? []
           from secret in RequiredSecrets(volume)
           where set.Of<Certificate>().All(certificate => certificate.Spec.SecretName != secret)
           select $"{source.Owner}: nothing makes the Secret {secret} of the volume {volume.Name}",
        .. from source in set.PodSources
           from container in source.AllContainers
           from mount in container.VolumeMounts ?? []
           where source.Spec.Volumes?.FirstOrDefault(volume => volume.Name == mount.Name) is { EmptyDir: null } && mount.ReadOnlyProperty is not true
           select $"{source.Owner}, {container.Name}: {mount.MountPath} can be written to, and is not the pod's own",
    ];

    private static IEnumerable<string> RequiredSecrets(V1Volume volume) =>
    [
        .. volume.Secret is { Optional: not true } secret ? [secret.SecretName] : Array.Empty<string>(),
        .. (volume.Projected?.Sources ?? []).Where(source => source.Secret is { Optional: not true }).Select(source => source.Secret.Name),
    ];
}
