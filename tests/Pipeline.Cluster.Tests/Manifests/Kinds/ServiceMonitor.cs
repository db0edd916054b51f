using k8s;
using k8s.Models;

namespace Pipeline.Cluster.Tests.Manifests.Kinds;

/// <summary>monitoring.coreos.com/v1, as far as it is used here.</summary>
public sealed class ServiceMonitor : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "";

    public string Kind { get; set; } = "";

    public V1ObjectMeta Metadata { get; set; } = new();

    public ServiceMonitorSpec Spec { get; set; } = new();

    public sealed class ServiceMonitorSpec
    {
        public V1LabelSelector? Selector { get; set; }

        public IList<Endpoint> Endpoints { get; set; } = [];
    }

    public sealed class Endpoint
    {
        public string? Port { get; set; }

        public string? Path { get; set; }

        public string? Interval { get; set; }
    }
}
