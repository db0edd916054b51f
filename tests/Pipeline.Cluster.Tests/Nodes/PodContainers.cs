using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Pods;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>Starts the containers of one pod, each as its manifest and its image say.</summary>
internal sealed class PodContainers(ManifestSet set, V1PodSpec pod, PodIdentity identity, ClusterStorage storage, string hosts, string scratch)
{
    private readonly PodVolumes _volumes = new(pod, storage, scratch);

    public async Task<ContainerProcess> StartAsync(V1Container container)
    {
        var image = await ImageStore.GetAsync(container.Image);
        var setup = ContainerSetup.Of(container, set, identity, storage.Key);
        if (setup.Problems.Count > 0)
        {
            throw new InvalidOperationException($"{identity.Name}: {string.Join("; ", setup.Problems)}");
        }

        var user = $"{pod.SecurityContext.RunAsUser}:{pod.SecurityContext.RunAsGroup}";
        var sandbox = new Sandbox(identity.Name, user, hosts, scratch);
        foreach (var (target, folder) in image.Folders)
        {
            sandbox.ReadOnly(folder, target);
        }

        _volumes.MountInto(sandbox, container);
        foreach (var (name, value) in image.File.Environment.Concat(setup.Environment).Concat(CpuLimit(container)))
        {
            sandbox.Set(name, value);
        }

        var command = setup.Command.Count > 0 ? setup.Command : image.File.Entrypoint;
        return ContainerProcess.Start(sandbox.Start(command.Concat(setup.Arguments.Select(OwnAddress))));
    }

    /// <summary>All addresses of a pod's own network are one here: this machine's loopback has all pods on it.</summary>
    private string OwnAddress(string argument) => argument.Replace("=0.0.0.0", $"={identity.Address}", StringComparison.Ordinal);

    /// <summary>What the runtime reads from the control group.</summary>
    private static Dictionary<string, string> CpuLimit(V1Container container) => container.Resources?.Limits?.TryGetValue("cpu", out var limit) is true
        ? new Dictionary<string, string> { ["DOTNET_PROCESSOR_COUNT"] = $"{(int)Math.Ceiling(limit.ToDecimal())}" }
        : [];
}
