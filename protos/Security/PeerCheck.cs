using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Pipeline.Protos.Security;

/// <summary>Whether a certificate is of whom it says: signed by an authority of ours, valid now, made for this use.</summary>
public static class PeerCheck
{
    public const string ServerUsage = "1.3.6.1.5.5.7.3.1";
    public const string ClientUsage = "1.3.6.1.5.5.7.3.2";

    /// <summary>Null if it is; else what is wrong with it, in one clause that names what was presented and what is wanted.</summary>
    /// <param name="sent">What the peer sent beside its certificate: those between it and its authority.</param>
    public static string? Problem(X509Certificate2? certificate, IEnumerable<X509Certificate2> sent, PeerCertificates own, string usage, DateTimeOffset now)
    {
        if (certificate is null)
        {
            return $"it presented no certificate; one issued by {own.AuthorityNames} is wanted";
        }

        var problem = ProblemOfChain(certificate, sent, own.Authorities, usage, now);
        return problem is null ? null : $"it presented {CertificateText.Describe(certificate)}, which {problem}";
    }

    internal static string? ProblemOfChain(
        X509Certificate2 certificate, IEnumerable<X509Certificate2> between, X509Certificate2Collection authorities, string usage, DateTimeOffset now)
    {
        if (CertificateText.ProblemOfTime(certificate, now) is { } problem)
        {
            return problem;
        }

        using var chain = new X509Chain { ChainPolicy = Policy(authorities, between, usage, now) };
        if (chain.Build(certificate))
        {
            return null;
        }

        var wanted = string.Join(" or ", authorities.Select(authority => $"'{authority.Subject}'").Distinct());
        var states = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, status) => all | status.Status);
        return (states & X509ChainStatusFlags.NotValidForUsage) != 0
            ? $"was not made for {(usage == ServerUsage ? "servers" : "clients")} (extended key usage {usage} is wanted)"
            : $"is not issued by {wanted} ({states})";
    }

    /// <summary>Only what is given here is trusted, and nobody is asked: neither the system's store nor an address out of a certificate.</summary>
    private static X509ChainPolicy Policy(X509Certificate2Collection authorities, IEnumerable<X509Certificate2> between, string usage, DateTimeOffset now)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationTime = now.LocalDateTime,
        };
        policy.CustomTrustStore.AddRange(authorities);
        policy.ExtraStore.AddRange(between.ToArray());
        policy.ApplicationPolicy.Add(new Oid(usage));
        return policy;
    }
}
