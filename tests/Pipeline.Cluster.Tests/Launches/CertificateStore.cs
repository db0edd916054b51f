using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Manifests.Kinds;
using Pipeline.Cluster.Tests.Nodes;
using Pipeline.Coordinator.Cli;

namespace Pipeline.Cluster.Tests.Launches;

/// <summary>Plays cert-manager: makes the Secrets that the Certificates of a set ask for, with <c>coordinator certs init</c>.</summary>
internal sealed class CertificateStore : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("certificates-");

    /// <param name="named">Which folder's certificate goes into a Secret; by itself the one of the same name.</param>
    public async Task<ClusterStorage> IssueAsync(ManifestSet set, Func<string, string>? named = null)
    {
        var secrets = set.Of<Certificate>().Where(certificate => certificate.Spec.IsCA is not true).ToDictionary(certificate => certificate.Metadata.Name, certificate => certificate.Spec.SecretName!);
        var stages = secrets.Keys.Count(name => name.StartsWith("stage-", StringComparison.Ordinal));
        using var error = new StringWriter();
        var app = new CoordinatorApp(new Terminal(TextWriter.Null, error));
        var code = await app.RunAsync(["certs", "init", _folder.FullName, "--stages", $"{stages}"], TestContext.Current.CancellationToken);
        Assert.True(code == ExitCode.Success, error.ToString());
        return new ClusterStorage { Secrets = secrets.ToDictionary(secret => secret.Value, secret => Path.Combine(_folder.FullName, named?.Invoke(secret.Key) ?? secret.Key)) };
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
