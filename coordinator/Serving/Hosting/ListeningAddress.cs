using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Hosting;

namespace Pipeline.Coordinator.Serving.Hosting;

/// <summary>Tells where the server listens as soon as it does, long before the model is loaded. Registered behind the web server.</summary>
internal sealed class ListeningAddress(IServer server, Action<Uri> onListening) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        onListening(new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.First()));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
