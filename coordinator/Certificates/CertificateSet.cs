using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Pipeline.Protos.Security;

namespace Pipeline.Coordinator.Certificates;

/// <summary>
/// The certificates of a whole pipeline as folders: one for each process, in the layout of cert-manager's Secrets, and one for the
/// authority, which no process needs.
/// </summary>
public static class CertificateSet
{
    public const string AuthorityFolder = "authority";

    private const string AuthorityKey = "ca.key";

    /// <summary>More than any pipeline has.</summary>
    public const int MostStages = 1024;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everybody = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode OwnersFolder = OwnerOnly | UnixFileMode.UserExecute;

    /// <summary>Outlives what it signs: whoever renews certificates keeps the authority.</summary>
    private static readonly TimeSpan AuthorityLifetime = TimeSpan.FromDays(3650);

    public static string FolderOf(PeerIdentity identity) => identity.StageIndex is { } index ? $"stage-{index}" : "coordinator";

    /// <summary>Writes everything anew, the authority included, and gives the folders of the processes.</summary>
    public static IReadOnlyList<string> Write(string folder, int stages, IReadOnlyList<string> hosts, TimeSpan lifetime, DateTimeOffset now)
    {
        using var authority = CertificateAuthority.Create(now, lifetime > AuthorityLifetime ? lifetime : AuthorityLifetime);
        var authorityFolder = Path.Combine(folder, AuthorityFolder);
        WriteFile(authorityFolder, AuthorityKey, authority.KeyPem, OwnerOnly);
        WriteFile(authorityFolder, PeerCertificates.AuthorityFile, authority.CertificatePem, Everybody);
        var identities = Enumerable.Range(0, stages).Select(PeerIdentity.Stage).Prepend(PeerIdentity.Coordinator);
        return [.. identities.Select(identity => Write(folder, identity, authority, hosts, lifetime))];
    }

    /// <summary>
    /// Issues anew what is there, from the same authority and for the same names, and what is missing for more stages. What the
    /// processes trust stays as it is. Throws a <see cref="CertificateException"/> if the authority is not there, does not last as long
    /// or is not what they trust.
    /// </summary>
    /// <param name="stages">Fewer than there are folders for change nothing.</param>
    /// <param name="hosts">For the new; null for those that the old was made for.</param>
    public static IReadOnlyList<RenewedCertificate> Renew(string folder, int stages, IReadOnlyList<string>? hosts, TimeSpan lifetime, DateTimeOffset now)
    {
        var authorityFolder = Path.Combine(folder, AuthorityFolder);
        using var authority = CertificateAuthority.Read(Path.Combine(authorityFolder, PeerCertificates.AuthorityFile), Path.Combine(authorityFolder, AuthorityKey), now);
        if (authority.ValidUntil < now + lifetime)
        {
            throw new CertificateException($"{authorityFolder}: the authority expires on {authority.ValidUntil.ToUniversalTime():u}, before the certificates would; ask for fewer days, or make another one (certs init --force)");
        }

        var identities = Enumerable.Range(0, Math.Max(stages, StagesIn(folder))).Select(PeerIdentity.Stage).Prepend(PeerIdentity.Coordinator).ToList();
        // All is looked at before anything is written: whatever is wrong with one leaves all as they are.
        identities.ForEach(identity => CheckTrust(folder, identity, authority));
        var names = identities.Select(identity => hosts ?? NamesIn(folder, identity)).ToList();
        return [.. identities.Select((identity, at) => Renew(folder, identity, authority, names[at] ?? names[0] ?? [], lifetime))];
    }

    /// <summary>What is there already of an earlier set; null if nothing is.</summary>
    public static string? Existing(string folder) => !Directory.Exists(folder)
        ? null
        : Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).FirstOrDefault(file => Path.GetExtension(file) is ".crt" or ".key");

    /// <summary>For its owner alone, if it is not there.</summary>
    public static void CreateFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, OwnersFolder);
        }
    }

    /// <summary>Up to the last one: folders are moved to other hosts, and what is missing in between is issued again.</summary>
    private static int StagesIn(string folder) => Directory.EnumerateDirectories(folder, "stage-*")
        .Select(own => int.TryParse(Path.GetFileName(own).AsSpan("stage-".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < MostStages ? index + 1 : 0)
        .DefaultIfEmpty(0).Max();

    private static void CheckTrust(string folder, PeerIdentity identity, CertificateAuthority authority)
    {
        var file = Path.Combine(folder, FolderOf(identity), PeerCertificates.AuthorityFile);
        if (File.Exists(file) && !PemFiles.ReadCertificates(file).Any(authority.Is))
        {
            throw new CertificateException($"{file}: the authority in {Path.Combine(folder, AuthorityFolder)} is not among those that it holds");
        }
    }

    /// <summary>The names beside the identity in the certificate that is there; null if none is.</summary>
    private static IReadOnlyList<string>? NamesIn(string folder, PeerIdentity identity)
    {
        var file = Path.Combine(folder, FolderOf(identity), PeerCertificates.CertificateFile);
        return !File.Exists(file) ? null
            : PemFiles.ReadCertificates(file)[0].Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault() is not { } names ? []
            : [.. names.EnumerateDnsNames(), .. names.EnumerateIPAddresses().Select(address => address.ToString())];
    }

    private static RenewedCertificate Renew(string folder, PeerIdentity identity, CertificateAuthority authority, IReadOnlyList<string> hosts, TimeSpan lifetime)
    {
        var own = Path.Combine(folder, FolderOf(identity));
        if (File.Exists(Path.Combine(own, PeerCertificates.AuthorityFile)))
        {
            WritePair(own, authority.Issue(identity, hosts, lifetime));
        }
        else
        {
            Write(folder, identity, authority, hosts, lifetime);
        }

        return new RenewedCertificate(own, hosts);
    }

    private static string Write(string folder, PeerIdentity identity, CertificateAuthority authority, IReadOnlyList<string> hosts, TimeSpan lifetime)
    {
        var own = Path.Combine(folder, FolderOf(identity));
        WriteFile(own, PeerCertificates.AuthorityFile, authority.CertificatePem, Everybody);
        WritePair(own, authority.Issue(identity, hosts, lifetime));
        return own;
    }

    private static void WritePair(string folder, (string CertificatePem, string KeyPem) pair)
    {
        WriteFile(folder, PeerCertificates.KeyFile, pair.KeyPem, OwnerOnly);
        WriteFile(folder, PeerCertificates.CertificateFile, pair.CertificatePem, Everybody);
    }

    /// <summary>Whole or not at all, and never readable by others for a moment: a process may be reading it now.</summary>
    private static void WriteFile(string folder, string name, string text, UnixFileMode mode)
    {
        CreateFolder(folder);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = mode;
        }

        var path = Path.Combine(folder, name);
        var fresh = path + ".new";
        File.Delete(fresh);
        using (var stream = new FileStream(fresh, options))
        using (var writer = new StreamWriter(stream))
        {
            writer.Write(text);
        }

        File.Move(fresh, path, overwrite: true);
    }
}
