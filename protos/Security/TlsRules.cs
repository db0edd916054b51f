using System.Security.Cryptography.X509Certificates;

namespace Pipeline.Protos.Security;

/// <summary>What both ends of a handshake do alike, beside the check itself.</summary>
public static class TlsRules
{
    /// <summary>
    /// For the check that the framework makes before ours: it shall trust nobody and ask nobody. Without this it would look into
    /// the system's store, and fetch certificates from wherever a stranger's certificate says they are.
    /// </summary>
    public static X509ChainPolicy NoChain() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
    };

    /// <summary>What a peer sent beside its certificate.</summary>
    public static IEnumerable<X509Certificate2> SentWith(X509Chain? chain) => chain?.ChainPolicy.ExtraStore ?? [];
}
