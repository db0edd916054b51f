using Pipeline.Protos.Security;
using Pipeline.TestKit.Certificates;

namespace Pipeline.Protos.Tests.Security;

/// <summary>A folder of certificates: taken whole, or refused with the file and what is wrong with it.</summary>
public sealed class PeerCertificatesTests : IDisposable
{
    private readonly TestAuthority _authority = new("ours");
    private readonly TestAuthority _stranger = new("theirs");
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Read_WholeSet_SaysWhoItIs()
    {
        _authority.Write(_folder.Path, [TestAuthority.Stage(2)]);
        var certificates = PeerCertificates.Read(_folder.Path, Now);
        Assert.Equal((PeerIdentity.Stage(2), "'CN=ours'"), (certificates.Identity, certificates.AuthorityNames));
        Assert.StartsWith("the certificate of stage 2 (issued by 'CN=ours', valid until 2", certificates.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_SeveralAuthorities_TrustsEach()
    {
        _authority.Write(_folder.Path, [TestAuthority.Stage(2)]);
        File.AppendAllText(_folder.At("ca.crt"), $"\n{_stranger.Pem}");
        Assert.Equal("'CN=ours' or 'CN=theirs'", PeerCertificates.Read(_folder.Path, Now).AuthorityNames);
    }

    [Theory]
    [InlineData("ca.crt", null, "ca.crt: no such file")]
    [InlineData("tls.crt", null, "tls.crt: no such file")]
    [InlineData("tls.key", null, "tls.key: no such file")]
    [InlineData("ca.crt", "", "ca.crt: holds no PEM certificate ('-----BEGIN CERTIFICATE-----' is wanted)")]
    [InlineData("tls.crt", "\0\u0001binary", "tls.crt: holds no PEM certificate")]
    [InlineData("tls.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "tls.crt: not a PEM certificate: ")]
    [InlineData("tls.key", "hello", "tls.key: holds no PEM key ('-----BEGIN PRIVATE KEY-----' is wanted)")]
    [InlineData("tls.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", "tls.key: the key is encrypted; one without a password is wanted")]
    [InlineData("tls.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "tls.key: not the key of the certificate in ")]
    public void Read_SpoiledFile_IsNamedWithWhatIsWrong(string file, string? content, string problem)
    {
        _authority.Write(_folder.Path, [TestAuthority.Stage(2)]);
        if (content is null)
        {
            File.Delete(_folder.At(file));
        }
        else
        {
            File.WriteAllText(_folder.At(file), content);
        }

        Assert.Contains(problem, Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NoFolder_SaysWhoMakesOne() => Assert.EndsWith(
        "no such folder; one with ca.crt, tls.crt and tls.key is wanted (coordinator certs init writes them)",
        Assert.Throws<CertificateException>(() => PeerCertificates.Read(_folder.At("nowhere"), Now)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Read_NotYetValid_IsRefused()
    {
        _authority.Write(_folder.Path, [TestAuthority.Stage(2)]);
        var failure = Assert.Throws<CertificateException>(() => PeerCertificates.Read(_folder.Path, Now - TimeSpan.FromDays(1)));
        Assert.Contains("tls.crt: it is not valid before ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ForClientsOnly_IsRefused()
    {
        _authority.Write(_folder.Path, [TestAuthority.Stage(2)], forServers: false);
        Assert.Contains("was not made for servers", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfNobody_SaysWhatIsWanted()
    {
        _authority.Write(_folder.Path, ["https://example.org/"]);
        Assert.Contains("names nobody of a pipeline; exactly one URI such as spiffe://pipeline/coordinator or spiffe://pipeline/stage/0 is wanted", Refusal(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _authority.Dispose();
        _stranger.Dispose();
        _folder.Dispose();
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private string Refusal() => Assert.Throws<CertificateException>(() => PeerCertificates.Read(_folder.Path, Now)).Message;
}
