using k8s;
using k8s.Models;

namespace Pipeline.Cluster.Tests.Manifests.Kinds;

/// <summary>cert-manager.io/v1, as far as it is used here.</summary>
public sealed class Certificate : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "";

    public string Kind { get; set; } = "";

    public V1ObjectMeta Metadata { get; set; } = new();

    public CertificateSpec Spec { get; set; } = new();

    public sealed class CertificateSpec
    {
        public string? CommonName { get; set; }

        public string? Duration { get; set; }

        public bool? IsCA { get; set; }

        public IssuerReference? IssuerRef { get; set; }

        public PrivateKeySpec? PrivateKey { get; set; }

        public string? RenewBefore { get; set; }

        public string? SecretName { get; set; }

        public IList<string> Uris { get; set; } = [];

        public IList<string> Usages { get; set; } = [];
    }

    public sealed class IssuerReference
    {
        public string? Name { get; set; }

        public string? Kind { get; set; }
    }

    public sealed class PrivateKeySpec
    {
        public string? Algorithm { get; set; }

        public int? Size { get; set; }

        public string? RotationPolicy { get; set; }
    }
}
