using Pipeline.Coordinator.Cli;
using Pipeline.TestKit;
using Pipeline.TestKit.Certificates;

namespace Pipeline.Coordinator.Tests.Cli;

/// <summary>Who may be spoken to in clear text, and with which certificates; told before anybody is asked.</summary>
public sealed class SecurityOptionsTests : IDisposable
{
    private readonly TestAuthority _authority = new("ours");
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("--workers 10.1.2.3:50051", "error: 10.1.2.3:50051 is on another host: add --tls DIR (coordinator certs init writes certificates), or --insecure to send prompts and activations in clear text")]
    [InlineData("--workers 127.0.0.1:1,gpu1:50051", "error: gpu1:50051 is on another host")]
    [InlineData("--workers gpu1:50051 --tls certs --insecure", "error: --tls and --insecure exclude each other")]
    [InlineData("--tls certs", "error: --tls is for workers that run elsewhere; those launched on this host listen on its loopback only")]
    [InlineData("--workers gpu1:50051 --tls /no/such/folder", "error: --tls: /no/such/folder: no such folder; one with ca.crt, tls.crt and tls.key is wanted")]
    public async Task Run_UnsafeWay_IsRefused(string flags, string error)
    {
        var run = await RunAsync(flags.Split(' '));
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains(error, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_CertificateOfAStage_IsRefused()
    {
        var run = await RunAsync("--workers", "gpu1:50051", "--tls", _authority.Write(_folder.Path, [TestAuthority.Stage(0)]));
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains("the certificate of stage 0 (issued by 'CN=ours'", run.Error, StringComparison.Ordinal);
        Assert.EndsWith("is not of the coordinator\n", run.Error, StringComparison.Ordinal);
    }

    /// <summary>Whoever insists is warned, and let through: what fails then is the name.</summary>
    [Fact]
    public async Task Run_Insecure_WarnsAndGoesOn()
    {
        var run = await RunAsync("--workers", "no-such-host.invalid:1", "--insecure", "--connect-timeout", "1");
        Assert.Equal(ExitCode.StageFailed, run.ExitCode);
        Assert.Contains("warning: clear text to no-such-host.invalid:1 (--insecure): prompts, activations and tokens can be read and changed on the way\n", run.Error, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    private static Task<CommandLineRun> RunAsync(params string[] flags) => CommandLineRun.Of(["run", "--model", Fixtures.TinyMixtral, "--prompt-ids", "1,5,9", "-n", "1", .. flags]);
}
