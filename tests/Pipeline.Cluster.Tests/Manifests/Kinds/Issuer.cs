using k8s;
using k8s.Models;

namespace Pipeline.Cluster.Tests.Manifests.Kinds;

/// <summary>cert-manager.io/v1, as far as it is used here.</summary>
public sealed class Issuer : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "";

    public string Kind { get; set; } = "";

    public V1ObjectMeta Metadata { get; set; } = new();

    public IssuerSpec Spec { get; set; } = new();

    public sealed class IssuerSpec
    {
        public SelfSignedIssuer? SelfSigned { get; set; }

        public AuthorityIssuer? Ca { get; set; }
    }

    public sealed class SelfSignedIssuer
    {
        public IList<string>? CrlDistributionPoints { get; set; }
    }

    public sealed class AuthorityIssuer
    {
        public string? SecretName { get; set; }
    }
}
