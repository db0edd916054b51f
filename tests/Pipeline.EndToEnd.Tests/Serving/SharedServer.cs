namespace Pipeline.EndToEnd.Tests.Serving;

/// <summary>One server for the tests that leave it as they found it.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    internal CoordinatorServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await CoordinatorServer.StartAsync("--stages", "2");

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}
