using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Tests.Serving;
using Pipeline.TestKit.Certificates;

namespace Pipeline.Coordinator.Tests.Cli.Top;

public sealed class TopSessionTests
{
    [Fact]
    public async Task Once_CertificateThatNobodyTrusts_SaysWhatIsWrongWithIt()
    {
        using var authority = new TestAuthority("ours");
        var (certificate, key) = authority.Issue([], TimeSpan.FromHours(1));
        using var shown = X509Certificate2.CreateFromPem(certificate, key);
        await using var server = await ServerUnderTest.StartAsync(ServerUnderTest.Options with { Certificate = () => SslStreamCertificateContext.Create(shown, null) }, [1]);

        var run = await CommandLineRun.Of("top", "--once", "--url", $"https://127.0.0.1:{server.Http.BaseAddress!.Port}");

        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains("The remote certificate is invalid", run.Error, StringComparison.Ordinal);
    }
}
