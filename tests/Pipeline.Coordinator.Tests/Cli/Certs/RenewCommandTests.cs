using System.Security.Cryptography.X509Certificates;
using Pipeline.Coordinator.Cli;
using Pipeline.Protos.Security;
using Pipeline.TestKit.Certificates;

namespace Pipeline.Coordinator.Tests.Cli.Certs;

/// <summary>What <c>certs renew</c> issues anew, and what it leaves alone.</summary>
public sealed class RenewCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Renew_ASet_GetsNewKeysFromTheSameAuthority()
    {
        await InitAsync("--stages", "2", "--days", "3", "--host", "gpu0.example.org");
        var (trusted, authority) = (Files("ca.crt"), Files("ca.key"));
        var before = Read("coordinator", "stage-0", "stage-1");

        var run = await RenewAsync("--days", "30");

        Assert.Equal((ExitCode.Success, $"{_folder.At("coordinator")}\n{_folder.At("stage-0")}\n{_folder.At("stage-1")}\n"), (run.ExitCode, run.Output));
        Assert.Equal(trusted, Files("ca.crt"));
        Assert.Equal(authority, Files("ca.key"));
        var after = Read("coordinator", "stage-0", "stage-1");
        Assert.Equal(before.Select(set => set.Identity), after.Select(set => set.Identity));
        foreach (var (old, fresh) in before.Zip(after, (old, fresh) => (old.Own.TargetCertificate, fresh.Own.TargetCertificate)))
        {
            Assert.NotEqual(old.GetPublicKey(), fresh.GetPublicKey());
            Assert.InRange(fresh.NotAfter - Now.LocalDateTime, TimeSpan.FromDays(29.9), TimeSpan.FromDays(30));
            Assert.Equal((string[])["localhost", "gpu0.example.org", "127.0.0.1", "::1"], NamesOf(fresh));
        }

        Assert.All(
            Directory.GetFiles(_folder.Path, "*.key", SearchOption.AllDirectories),
            key => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(key).UnixFileMode));
    }

    [Fact]
    public async Task Renew_MoreStages_GetFoldersOfTheirOwn()
    {
        await InitAsync("--stages", "1", "--host", "gpu0.example.org");
        Assert.Equal(ExitCode.Success, (await RenewAsync("--stages", "3")).ExitCode);
        var added = Assert.Single(Read("stage-2"));
        Assert.Equal(PeerIdentity.Stage(2), added.Identity);
        Assert.Contains("gpu0.example.org", NamesOf(added.Own.TargetCertificate));
        // As many as there are, where fewer are asked for.
        Assert.Equal(4, (await RenewAsync("--stages", "1", "--json")).Json.GetProperty("renewed").GetArrayLength());
    }

    /// <summary>Moved to its host, perhaps: nothing behind it may be forgotten.</summary>
    [Fact]
    public async Task Renew_FolderMissingInBetween_IsIssuedToo()
    {
        await InitAsync("--stages", "3");
        var before = File.ReadAllText(_folder.At("stage-2/tls.crt"));
        Directory.Delete(_folder.At("stage-1"), recursive: true);
        Assert.Equal(ExitCode.Success, (await RenewAsync()).ExitCode);
        Assert.Equal(PeerIdentity.Stage(1), Assert.Single(Read("stage-1")).Identity);
        Assert.NotEqual(before, File.ReadAllText(_folder.At("stage-2/tls.crt")));
    }

    [Fact]
    public async Task Renew_WithHosts_ReplacesTheNames()
    {
        await InitAsync("--stages", "1", "--host", "old.example.org");
        var run = await RenewAsync("--host", "new.example.org", "--json");
        Assert.Equal(["localhost", "new.example.org", "127.0.0.1", "::1"], NamesOf(Read("stage-0")[0].Own.TargetCertificate));
        Assert.Contains("new.example.org", run.Json.GetProperty("renewed")[1].GetProperty("hosts").EnumerateArray().Select(host => host.GetString()));
    }

    /// <summary>While the authority is being changed both are trusted, and stay so.</summary>
    [Fact]
    public async Task Renew_TwoAuthoritiesTrusted_KeepsBoth()
    {
        await InitAsync("--stages", "1");
        using var other = new TestAuthority("other");
        File.AppendAllText(_folder.At("stage-0/ca.crt"), other.Pem + "\n");
        Assert.Equal(ExitCode.Success, (await RenewAsync()).ExitCode);
        Assert.Equal(2, Read("stage-0")[0].Authorities.Count);
    }

    public static TheoryData<string, string> Obstacles => new()
    {
        { "no authority", "authority/ca.crt: no such file" },
        { "no key", "authority/ca.key: no such file" },
        { "another key", "authority/ca.key: not the key of the certificate in " },
        { "too long", "authority: the authority expires on " },
        { "another authority trusted", "stage-0/ca.crt: the authority in " },
        { "half a certificate", "stage-0/tls.crt: " },
    };

    [Theory]
    [MemberData(nameof(Obstacles))]
    public async Task Renew_WhatCannotBe_SaysWhyAndChangesNothing(string obstacle, string message)
    {
        await InitAsync("--stages", "1");
        using var other = new TestAuthority("other");
        switch (obstacle)
        {
            case "no authority":
                Directory.Delete(_folder.At("authority"), recursive: true);
                break;
            case "no key":
                File.Delete(_folder.At("authority/ca.key"));
                break;
            case "another key":
                File.WriteAllText(_folder.At("authority/ca.key"), File.ReadAllText(_folder.At("stage-0/tls.key")));
                break;
            case "another authority trusted":
                File.WriteAllText(_folder.At("stage-0/ca.crt"), other.Pem);
                break;
            case "half a certificate":
                File.WriteAllText(_folder.At("stage-0/tls.crt"), File.ReadAllText(_folder.At("stage-0/tls.crt"))[..200]);
                break;
        }

        var before = Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories).Order().Select(File.ReadAllText).ToList();
        var run = await RenewAsync("--days", obstacle == "too long" ? "4000" : "30");

        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.StartsWith($"error: cannot renew: {_folder.At(message)}", run.Error, StringComparison.Ordinal);
        Assert.Equal(before, Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories).Order().Select(File.ReadAllText));
    }

    public void Dispose() => _folder.Dispose();

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private static string[] NamesOf(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single();
        return [.. names.EnumerateDnsNames(), .. names.EnumerateIPAddresses().Select(address => address.ToString())];
    }

    private List<string> Files(string name) => [.. Directory.GetFiles(_folder.Path, name, SearchOption.AllDirectories).Order().Select(File.ReadAllText)];

    private List<PeerCertificates> Read(params string[] folders) => [.. folders.Select(folder => PeerCertificates.Read(_folder.At(folder), Now))];

    private Task<CommandLineRun> InitAsync(params string[] flags) => CommandLineRun.Of(["certs", "init", _folder.Path, .. flags]);

    private Task<CommandLineRun> RenewAsync(params string[] flags) => CommandLineRun.Of(["certs", "renew", _folder.Path, .. flags]);
}
