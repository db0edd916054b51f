using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Pipeline.Coordinator.Cli;
using Pipeline.Protos.Security;
using Pipeline.TestKit.Certificates;

namespace Pipeline.Coordinator.Tests.Cli.Certs;

/// <summary>What <c>certs init</c> writes, and what it refuses to write over.</summary>
public sealed class InitCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Init_NewFolder_HasASetForEachProcess()
    {
        var run = await InitAsync("--stages", "2", "--days", "7", "--host", "gpu0.example.org", "--host", "10.1.2.3");
        Assert.Equal((ExitCode.Success, $"{_folder.At("coordinator")}\n{_folder.At("stage-0")}\n{_folder.At("stage-1")}\n"), (run.ExitCode, run.Output));
        PeerIdentity[] identities = [PeerIdentity.Coordinator, PeerIdentity.Stage(0), PeerIdentity.Stage(1)];
        var sets = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(folder => PeerCertificates.Read(folder, Now)).ToList();
        Assert.Equal(identities, sets.Select(set => set.Identity));
        foreach (var certificate in sets.Select(set => set.Own.TargetCertificate))
        {
            Assert.Equal(ECCurve.NamedCurves.nistP256.Oid.Value, certificate.GetECDsaPublicKey()!.ExportParameters(false).Curve.Oid.Value);
            Assert.InRange(certificate.NotAfter - Now.LocalDateTime, TimeSpan.FromDays(6.9), TimeSpan.FromDays(7));
            var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single();
            Assert.Equal(["localhost", "gpu0.example.org"], names.EnumerateDnsNames());
            Assert.Equal(["127.0.0.1", "::1", "10.1.2.3"], names.EnumerateIPAddresses().Select(address => address.ToString()));
        }
    }

    [Fact]
    public async Task Init_Keys_AreTheOwnersAlone()
    {
        await InitAsync("--stages", "1");
        var keys = Directory.GetFiles(_folder.Path, "*.key", SearchOption.AllDirectories);
        Assert.Equal(3, keys.Length);
        Assert.All(keys, key => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(key).UnixFileMode));
        Assert.Equal(["ca.crt", "tls.crt", "tls.key"], Directory.GetFiles(_folder.At("stage-0")).Select(Path.GetFileName).Order());
    }

    /// <summary>The key that signs goes nowhere but into its own folder.</summary>
    [Fact]
    public async Task Init_AuthorityKey_IsOnlyInItsFolder()
    {
        await InitAsync("--stages", "1");
        var key = await File.ReadAllTextAsync(_folder.At("authority/ca.key"), TestContext.Current.CancellationToken);
        Assert.Single(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories), file => File.ReadAllText(file) == key);
    }

    [Fact]
    public async Task Init_SecondTime_IsRefusedUnlessForced()
    {
        await InitAsync("--stages", "1");
        var before = File.ReadAllText(_folder.At("stage-0/tls.crt"));
        var again = await InitAsync("--stages", "1");
        Assert.Equal(ExitCode.BadInput, again.ExitCode);
        Assert.EndsWith(" is there already; certs renew renews the certificates, --force replaces the whole set, the authority included\n", again.Error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(_folder.At("stage-0/tls.crt")));

        Assert.Equal(ExitCode.Success, (await InitAsync("--stages", "1", "--force")).ExitCode);
        Assert.NotEqual(before, File.ReadAllText(_folder.At("stage-0/tls.crt")));
    }

    [Fact]
    public async Task Init_Json_SaysWhereAndHowLong()
    {
        var run = await InitAsync("--stages", "1", "--json");
        Assert.Equal(_folder.At("stage-0"), run.Json.GetProperty("folders")[1].GetString());
        Assert.Equal(_folder.At("authority"), run.Json.GetProperty("authority").GetString());
    }

    [Theory]
    [InlineData("--stages 0", "error: --stages wants a whole number from 1 to 1024, got '0'")]
    [InlineData("--days 0", "error: --days wants a whole number from 1 to 36500, got '0'")]
    [InlineData("--host a/b", "error: --host wants a DNS name or an address, got 'a/b'")]
    public async Task Init_BadFlag_SaysWhatIsWrong(string flags, string error)
    {
        var run = await InitAsync(flags.Split(' '));
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.StartsWith(error, run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task Init_FolderThatCannotBe_SaysSo()
    {
        File.WriteAllText(_folder.At("file"), "");
        var run = await CommandLineRun.Of("certs", "init", _folder.At("file/below"));
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Equal($"error: the folder {_folder.At("file/below")} cannot be created; name one in a place where this user may write\n", run.Error);
    }

    public void Dispose() => _folder.Dispose();

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private Task<CommandLineRun> InitAsync(params string[] flags) => CommandLineRun.Of(["certs", "init", _folder.Path, .. flags]);
}
