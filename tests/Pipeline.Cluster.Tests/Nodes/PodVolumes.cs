using k8s.Models;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>The volumes of one pod as folders of this machine.</summary>
internal sealed class PodVolumes(V1PodSpec pod, ClusterStorage storage, string scratch)
{
    private readonly Dictionary<string, string> _folders = [];

    public void MountInto(Sandbox sandbox, V1Container container)
    {
        foreach (var mount in container.VolumeMounts ?? [])
        {
            var volume = pod.Volumes.Single(volume => volume.Name == mount.Name);
            if (!_folders.TryGetValue(volume.Name, out var folder))
            {
                _folders[volume.Name] = folder = Prepare(volume);
            }

            if (mount.ReadOnlyProperty is true)
            {
                sandbox.ReadOnly(folder, mount.MountPath);
            }
            else
            {
                sandbox.Writable(folder, mount.MountPath);
            }
        }
    }

    private string Prepare(V1Volume volume) => volume switch
    {
        { EmptyDir: not null } => Directory.CreateDirectory(Path.Combine(scratch, volume.Name)).FullName,
        { PersistentVolumeClaim: { } claim } => storage.Volumes[claim.ClaimName],
        { HostPath: { } host } => storage.Volumes[host.Path],
        { Secret: { } secret } => storage.Secrets[secret.SecretName],
        { Projected: { } projected } => Project(projected, Path.Combine(scratch, volume.Name)),
        _ => throw new NotSupportedException($"a volume of the kind that {volume.Name} is"),
    };

    private string Project(V1ProjectedVolumeSource projected, string folder)
    {
        foreach (var source in projected.Sources.Select(source => source.Secret))
        {
            if (!storage.Secrets.TryGetValue(source.Name, out var secret))
            {
                _ = source.Optional is true ? true : throw new InvalidOperationException($"there is no Secret {source.Name}");
                continue;
            }

            foreach (var item in source.Items)
            {
                var target = Path.Combine(folder, item.Path);
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.Copy(Path.Combine(secret, item.Key), target, overwrite: true);
            }
        }

        return folder;
    }
}
