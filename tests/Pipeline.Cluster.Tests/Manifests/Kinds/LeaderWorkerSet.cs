using k8s;
using k8s.Models;

namespace Pipeline.Cluster.Tests.Manifests.Kinds;

/// <summary>leaderworkerset.x-k8s.io/v1, as far as it is used here: what is not declared is refused when it is loaded.</summary>
public sealed class LeaderWorkerSet : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "";

    public string Kind { get; set; } = "";

    public V1ObjectMeta Metadata { get; set; } = new();

    public LeaderWorkerSetSpec Spec { get; set; } = new();

    public sealed class LeaderWorkerSetSpec
    {
        public int? Replicas { get; set; }

        public string? StartupPolicy { get; set; }

        public NetworkConfigSpec? NetworkConfig { get; set; }

        public LeaderWorkerTemplateSpec LeaderWorkerTemplate { get; set; } = new();
    }

    public sealed class NetworkConfigSpec
    {
        public string? SubdomainPolicy { get; set; }
    }

    public sealed class LeaderWorkerTemplateSpec
    {
        public int? Size { get; set; }

        public string? RestartPolicy { get; set; }

        public V1PodTemplateSpec? LeaderTemplate { get; set; }

        public V1PodTemplateSpec? WorkerTemplate { get; set; }
    }
}
