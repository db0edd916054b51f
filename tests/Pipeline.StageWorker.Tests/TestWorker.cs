using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Codec;
using Pipeline.Protos.Security;
using Pipeline.Protos.V1;
using Pipeline.StageWorker.Hosting;
using Pipeline.StageWorker.Sessions;

namespace Pipeline.StageWorker.Tests;

/// <summary>The real worker on a port of the system's choice, inside this process.</summary>
internal sealed class TestWorker : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestWorker(WebApplication app, int stage, Func<PeerCertificates>? certificates)
    {
        _app = app;
        Address = WorkerHost.AddressOf(app);
        HealthAddress = WorkerHost.HealthAddressOf(app);
        Certificates = certificates;
        Channel = StageChannels.Open(Address, stage, certificates);
    }

    public string Address { get; }

    public string? HealthAddress { get; }

    /// <summary>With which its callers come; null in clear text.</summary>
    public Func<PeerCertificates>? Certificates { get; }

    public StageControl.StageControlClient Control => new(Channel);

    /// <summary>For calls beside those of a coordinator.</summary>
    public GrpcChannel Channel { get; }

    /// <param name="replace">Services in the place of the product's: a clock, a source of weights.</param>
    public static Task<TestWorker> StartAsync(Action<IServiceCollection>? replace = null, string device = "cpu", string listen = "127.0.0.1:0") =>
        StartAsync(new WorkerOptions { Listen = listen, Device = device }, replace, stage: 0, certificates: null);

    /// <param name="stage">The stage that its certificate is of.</param>
    /// <param name="certificates">With which its callers come.</param>
    public static async Task<TestWorker> StartAsync(WorkerOptions options, Action<IServiceCollection>? replace, int stage, Func<PeerCertificates>? certificates)
    {
        var app = WorkerHost.Build(options, TestLog.InsteadOfTheConsole + replace);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestWorker(app, stage, certificates);
    }

    /// <summary>What it holds for its coordinator; null if nobody has its lease.</summary>
    public StageSession? Session => _app.Services.GetRequiredService<StageLease>().Current;

    public async Task<bool> IsInUseAsync() =>
        (await Control.HelloAsync(new HelloRequest { ProtocolVersion = ProtocolVersion.Current }, cancellationToken: TestContext.Current.CancellationToken)).InUse;

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await _app.DisposeAsync();
    }
}
