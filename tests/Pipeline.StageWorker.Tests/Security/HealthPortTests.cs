using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Pipeline.Protos.Clients;
using Pipeline.Protos.V1;
using Pipeline.StageWorker.Hosting;

namespace Pipeline.StageWorker.Tests.Security;

/// <summary>The port for probes: in clear text, beside certificates or not, for questions about health and nothing else.</summary>
public sealed class HealthPortTests : IDisposable
{
    private readonly SecureHosts _hosts = new();

    [Fact]
    public async Task Probe_InClearText_IsAnswered()
    {
        await using var worker = await _hosts.StartAsync(0, "127.0.0.1:0");
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await CheckAsync(worker.HealthAddress!, "liveness"));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, await CheckAsync(worker.HealthAddress!, "readiness"));
        await using var stage = await TestStage.StartWholeAsync(worker);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await CheckAsync(worker.HealthAddress!, "readiness"));
    }

    [Fact]
    public async Task Probe_BehindTls_IsAnsweredToo()
    {
        await using var worker = await _hosts.StartAsync(0, "127.0.0.1:0");
        var answer = await new Health.HealthClient(worker.Channel).CheckAsync(new HealthCheckRequest { Service = "liveness" }, cancellationToken: Token);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, answer.Status);
    }

    [Fact]
    public async Task EverythingElse_IsRefusedThere()
    {
        await using var worker = await TestWorker.StartAsync(new WorkerOptions { HealthListen = "127.0.0.1:0" }, null, 0, null);
        using var channel = StageChannels.Open(worker.HealthAddress!, 0, null);
        var control = new StageControl.StageControlClient(channel);
        await IsRefusedAsync(() => control.HelloAsync(new HelloRequest(), cancellationToken: Token).ResponseAsync);
        using var attach = control.Attach(new AttachRequest(), cancellationToken: Token);
        await IsRefusedAsync(() => attach.ResponseStream.MoveNext(Token));
        await using var forward = await ForwardCall.OpenAsync(channel.CreateCallInvoker(), 0, 1, null, Token);
        var refusal = await Assert.ThrowsAsync<Shared.Stages.StageException>(forward.WaitForEndAsync);
        Assert.Equal(Shared.Stages.StageError.ProtocolMismatch, refusal.Error);
    }

    /// <summary>A question about health is small; who sends more is cut off before it is kept.</summary>
    [Fact]
    public async Task LargeQuestion_IsRefused()
    {
        await using var worker = await _hosts.StartAsync(0, "127.0.0.1:0");
        using var channel = StageChannels.Open(worker.HealthAddress!, 0, null);
        var refusal = await Assert.ThrowsAsync<RpcException>(() => AskAsync(channel, new string('x', 1 << 20)));
        Assert.NotEqual(StatusCode.NotFound, refusal.StatusCode);
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(() => AskAsync(channel, "x"))).StatusCode);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, await CheckAsync(worker.HealthAddress!, "liveness"));
    }

    public void Dispose() => _hosts.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<HealthCheckResponse.Types.ServingStatus> CheckAsync(string address, string service)
    {
        using var channel = StageChannels.Open(address, 0, null);
        return await AskAsync(channel, service);
    }

    private static async Task<HealthCheckResponse.Types.ServingStatus> AskAsync(GrpcChannel channel, string service) =>
        (await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest { Service = service }, cancellationToken: Token)).Status;

    private static async Task IsRefusedAsync(Func<Task> call)
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal((StatusCode.Unimplemented, "this port answers grpc.health.v1 and nothing else"), (refusal.StatusCode, refusal.Status.Detail));
    }
}
