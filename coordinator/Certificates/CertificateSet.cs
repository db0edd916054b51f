using Pipeline.Protos.Security;

namespace Pipeline.Coordinator.Certificates;

/// <summary>
/// The certificates of a whole pipeline as folders: one for each process, in the layout of cert-manager's Secrets, and one for the
/// authority, which no process needs.
/// </summary>
public static class CertificateSet
{
    public const string AuthorityFolder = "authority";

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
        WriteFile(authorityFolder, "ca.key", authority.KeyPem, OwnerOnly);
        WriteFile(authorityFolder, PeerCertificates.AuthorityFile, authority.CertificatePem, Everybody);
        var identities = Enumerable.Range(0, stages).Select(PeerIdentity.Stage).Prepend(PeerIdentity.Coordinator);
        return [.. identities.Select(identity => Write(folder, identity, authority, hosts, lifetime))];
    }

    /// <summary>What is there already of an earlier set; null if nothing is.</summary>
    public static string? Existing(string folder) => !Directory.Exists(folder)
        ? null
        : Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).FirstOrDefault(file => Path.GetExtension(file) is ".crt" or ".key");

    private static string Write(string folder, PeerIdentity identity, CertificateAuthority authority, IReadOnlyList<string> hosts, TimeSpan lifetime)
    {
        var own = Path.Combine(folder, FolderOf(identity));
        var (certificate, key) = authority.Issue(identity, hosts, lifetime);
        WriteFile(own, PeerCertificates.AuthorityFile, authority.CertificatePem, Everybody);
        WriteFile(own, PeerCertificates.KeyFile, key, OwnerOnly);
        WriteFile(own, PeerCertificates.CertificateFile, certificate, Everybody);
        return own;
    }

    /// <summary>Whole or not at all, and never readable by others for a moment: a process may be reading it now.</summary>
    private static void WriteFile(string folder, string name, string text, UnixFileMode mode)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, OwnersFolder);
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
