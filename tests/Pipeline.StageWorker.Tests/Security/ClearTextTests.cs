using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Hosting;

namespace Pipeline.StageWorker.Tests.Security;

/// <summary>Clear text stays on this host unless somebody says otherwise.</summary>
public class ClearTextTests
{
    [Theory]
    [InlineData("127.0.0.1:0")]
    [InlineData("localhost:50051")]
    [InlineData("[::1]:50051")]
    public void Listen_OnLoopback_NeedsNothing(string listen) => Assert.Null(Refusal(new WorkerOptions { Listen = listen }));

    [Theory]
    [InlineData("0.0.0.0:50051")]
    [InlineData("*:50051")]
    [InlineData("[::]:50051")]
    [InlineData("10.1.2.3:50051")]
    public void Listen_BeyondThisHost_NeedsCertificatesOrTheUsersWord(string listen)
    {
        Assert.Equal(
            $"--listen {listen} is reachable from other hosts: add --tls DIR (coordinator certs init writes certificates), or --insecure to let everybody in", Refusal(new WorkerOptions { Listen = listen }));
        Assert.Null(Refusal(new WorkerOptions { Listen = listen, Insecure = true }));
        Assert.Null(Refusal(new WorkerOptions { Listen = listen, Tls = "certs" }));
    }

    [Fact]
    public void Both_ExcludeEachOther() => Assert.Equal("--tls and --insecure exclude each other", Refusal(new WorkerOptions { Tls = "certs", Insecure = true }));

    /// <summary>The port for probes tells nothing that is worth hiding.</summary>
    [Fact]
    public void HealthListen_BeyondThisHost_NeedsNothing() => Assert.Null(Refusal(new WorkerOptions { HealthListen = "0.0.0.0:50052" }));

    [Fact]
    public void HealthListen_Nonsense_IsRefusedByItsName() => Assert.StartsWith(
        "--health-listen wants an IP address and a port", Assert.Single(new WorkerOptionsValidator().Validate(null, new WorkerOptions { HealthListen = "there" }).Failures!), StringComparison.Ordinal);

    /// <summary>Also the way on to the next stage.</summary>
    [Fact]
    public async Task Start_NextStageOnAnotherHost_IsRefused()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachAsync(worker, new ShardAssignment(0, 2, new LayerRange(0, 2)));
        await stage.LoadAsync();
        var refusal = await Assert.ThrowsAsync<StageException>(() => stage.StartAsync("elsewhere.invalid:50051"));
        Assert.Equal((StageError.Untrusted, 0), (refusal.Error, refusal.StageIndex));
        Assert.Equal("the next stage at elsewhere.invalid:50051 is on another host, and this worker has no certificates: start it with --tls DIR, or allow clear text with --insecure", refusal.Message);
    }

    private static string? Refusal(WorkerOptions options) => new ClearTextValidator().Validate(null, options).FailureMessage;
}
