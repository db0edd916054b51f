using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Codec;
using Pipeline.Protos.V1;
using Pipeline.StageWorker.Hosting;

namespace Pipeline.StageWorker.Tests;

/// <summary>The real worker on a port of the system's choice, inside this process.</summary>
internal sealed class TestWorker : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestWorker(WebApplication app)
    {
        _app = app;
        Address = WorkerHost.AddressOf(app);
        Channel = StageChannels.Open(Address, 0, null);
    }

    public string Address { get; }

    public StageControl.StageControlClient Control => new(Channel);

    /// <summary>For calls beside those of a coordinator.</summary>
    public GrpcChannel Channel { get; }

    /// <param name="replace">Services in the place of the product's: a clock, a source of weights.</param>
    public static async Task<TestWorker> StartAsync(Action<IServiceCollection>? replace = null, string device = "cpu", string listen = "127.0.0.1:0")
    {
        var app = WorkerHost.Build(new WorkerOptions { Listen = listen, Device = device }, replace);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestWorker(app);
    }

    public async Task<bool> IsInUseAsync() =>
        (await Control.HelloAsync(new HelloRequest { ProtocolVersion = ProtocolVersion.Current }, cancellationToken: TestContext.Current.CancellationToken)).InUse;

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await _app.DisposeAsync();
    }
}
