using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Pods;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>Every variable that is referred to is there: the kubelet would pass on an unknown one as it stands.</summary>
internal static class Variables
{
    /// <summary>A pod as good as any.</summary>
    public static PodIdentity ExamplePod { get; } = new("stage-0", "pipeline", "10.0.0.1", "node", new Dictionary<string, string>
    {
        ["apps.kubernetes.io/pod-index"] = "0",
        ["leaderworkerset.sigs.k8s.io/worker-index"] = "1",
    });

    public static IEnumerable<string> Complaints(ManifestSet set) =>
        from source in set.PodSources
        from container in source.AllContainers
        from problem in Setup(set, container).Problems
        select $"{source.Owner}, {container.Name}: {problem}";

    public static ContainerSetup Setup(ManifestSet set, V1Container container) => ContainerSetup.Of(container, set, ExamplePod, (_, _) => null);
}
