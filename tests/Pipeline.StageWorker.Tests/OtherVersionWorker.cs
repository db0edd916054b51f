using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Pipeline.Protos.V1;
using Pipeline.StageWorker.Hosting;

namespace Pipeline.StageWorker.Tests;

/// <summary>A worker of another release: it says hello, in another version of the protocol.</summary>
internal sealed class OtherVersionWorker(WebApplication app) : IAsyncDisposable
{
    public string Address => WorkerHost.AddressOf(app);

    public static async Task<OtherVersionWorker> StartAsync(int version)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http2));
        builder.Services.AddRoutingCore().AddSingleton(new Greeting(version)).AddGrpc();
        var app = builder.Build();
        app.MapGrpcService<Greeting>();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new OtherVersionWorker(app);
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private sealed class Greeting(int version) : StageControl.StageControlBase
    {
        public override Task<HelloReply> Hello(HelloRequest request, ServerCallContext context) => Task.FromResult(new HelloReply { ProtocolVersion = version });
    }
}
