using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Pipeline.EndToEnd.Tests.Servers;

/// <summary>A web server on a free local port that is not a stage worker, or not one of today.</summary>
internal sealed class LocalServer(WebApplication app) : IAsyncDisposable
{
    public string Address => new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Authority;

    /// <summary>Any web site: HTTP/1.1, and whatever is asked for is not found.</summary>
    public static Task<LocalServer> StartWebSiteAsync() => StartAsync(HttpProtocols.Http1, _ => { }, _ => { });

    /// <summary>A web site that answers what is mapped.</summary>
    public static Task<LocalServer> StartWebSiteAsync(Action<IEndpointRouteBuilder> map) => StartAsync(HttpProtocols.Http1, _ => { }, map);

    /// <summary>A worker of another release.</summary>
    public static Task<LocalServer> StartWorkerAsync(int protocolVersion) => StartAsync(
        HttpProtocols.Http2,
        services => services.AddSingleton(new OtherVersionService(protocolVersion)).AddGrpc(),
        app => app.MapGrpcService<OtherVersionService>());

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private static async Task<LocalServer> StartAsync(HttpProtocols protocols, Action<IServiceCollection> configure, Action<WebApplication> map)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = protocols));
        builder.Services.AddRoutingCore();
        configure(builder.Services);
        var app = builder.Build();
        map(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new LocalServer(app);
    }
}
