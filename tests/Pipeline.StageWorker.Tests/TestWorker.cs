using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Pipeline.Protos.Clients;
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
        Channel = StageChannels.Open(Address);
    }

    public string Address { get; }

    /// <summary>For calls beside those of a coordinator.</summary>
    public GrpcChannel Channel { get; }

    public static async Task<TestWorker> StartAsync()
    {
        var app = WorkerHost.Build(new WorkerOptions { Listen = "127.0.0.1:0" });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestWorker(app);
    }

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await _app.DisposeAsync();
    }
}
