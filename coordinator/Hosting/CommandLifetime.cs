using Microsoft.Extensions.Hosting;

namespace Pipeline.Coordinator.Hosting;

/// <summary>A host that lives as long as a command. Signals belong to the command, which hands on its cancellation.</summary>
internal sealed class CommandLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
