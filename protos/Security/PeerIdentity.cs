using System.Globalization;
using System.Security.Cryptography.X509Certificates;

namespace Pipeline.Protos.Security;

/// <summary>
/// Who a process is, as its certificate says in a URI of the subject's alternative names, in the manner of SPIFFE:
/// <c>spiffe://pipeline/coordinator</c> or <c>spiffe://pipeline/stage/2</c>.
/// </summary>
/// <param name="StageIndex">Counted from 0; null for the coordinator.</param>
public readonly record struct PeerIdentity(PeerRole Role, int? StageIndex)
{
    private const string Domain = "spiffe://pipeline/";
    private const string CoordinatorPath = "coordinator";
    private const string StagePath = "stage/";

    public static PeerIdentity Coordinator { get; } = new(PeerRole.Coordinator, null);

    public static PeerIdentity Stage(int index) => new(PeerRole.Stage, index);

    /// <summary>As it stands in a certificate.</summary>
    public string Uri => Domain + (StageIndex is { } index ? StagePath + index.ToString(CultureInfo.InvariantCulture) : CoordinatorPath);

    /// <summary>Null where a certificate names nobody of this pipeline, or more than one: who could be two is neither.</summary>
    public static PeerIdentity? Of(X509Certificate2 certificate)
    {
        var ours = UriNames.Of(certificate).Where(uri => uri.StartsWith(Domain, StringComparison.Ordinal)).ToList();
        return ours.Count == 1 ? Parse(ours[0]) : null;
    }

    /// <summary>Only what <see cref="Uri"/> writes, to the letter.</summary>
    public static PeerIdentity? Parse(string uri)
    {
        if (uri == Coordinator.Uri)
        {
            return Coordinator;
        }

        return uri.StartsWith(Domain + StagePath, StringComparison.Ordinal)
            && int.TryParse(uri.AsSpan(Domain.Length + StagePath.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && Stage(index).Uri == uri
            ? Stage(index)
            : null;
    }

    public override string ToString() => StageIndex is { } index ? string.Create(CultureInfo.InvariantCulture, $"stage {index}") : "the coordinator";
}
