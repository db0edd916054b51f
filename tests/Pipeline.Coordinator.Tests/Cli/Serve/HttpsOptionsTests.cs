using Pipeline.Coordinator.Cli;
using Pipeline.TestKit;
using Pipeline.TestKit.Certificates;

namespace Pipeline.Coordinator.Tests.Cli.Serve;

/// <summary>A certificate for the API that cannot be used is told before anything listens.</summary>
public sealed class HttpsOptionsTests : IDisposable
{
    private readonly TestAuthority _authority = new("ours");
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("--ssl-keyfile tls.key", "error: --ssl-keyfile needs the certificate of the key too: --ssl-certfile FILE")]
    [InlineData("--ssl-certfile tls.crt", "error: --ssl-certfile needs the key of the certificate too: --ssl-keyfile FILE")]
    [InlineData("--ssl-keyfile nowhere --ssl-certfile tls.crt", "nowhere: no such file")]
    [InlineData("--ssl-keyfile tls.key --ssl-certfile nowhere", "nowhere: no such file")]
    [InlineData("--ssl-keyfile other.key --ssl-certfile tls.crt", "other.key: not the key of the certificate in ")]
    [InlineData("--ssl-keyfile tls.crt --ssl-certfile tls.crt", "tls.crt: holds no PEM key")]
    [InlineData("--ssl-keyfile tls.key --ssl-certfile tls.key", "tls.key: holds no PEM certificate")]
    [InlineData("--ssl-keyfile old.key --ssl-certfile old.crt", "old.crt: it has expired on ")]
    public async Task Serve_UselessCertificate_IsRefused(string flags, string error)
    {
        _authority.Write(_folder.Path, []);
        await File.WriteAllTextAsync(_folder.At("other.key"), _authority.Issue([], TimeSpan.FromHours(1)).KeyPem, TestContext.Current.CancellationToken);
        var (certificate, key) = _authority.Issue([], TimeSpan.FromHours(-1));
        await File.WriteAllTextAsync(_folder.At("old.crt"), certificate, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_folder.At("old.key"), key, TestContext.Current.CancellationToken);
        var arguments = flags.Split(' ').Select(word => word.StartsWith('-') ? word : _folder.At(word));

        var run = await CommandLineRun.Of(["serve", "--model", Fixtures.TinyMixtral, .. arguments]);

        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains(error, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("listening", run.Error, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }
}
