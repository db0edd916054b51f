using Pipeline.EndToEnd.Tests.Serving;

namespace Pipeline.EndToEnd.Tests.Recovery;

/// <summary>One server with three launched workers for all tests of a class, which lose some of them.</summary>
public sealed class RecoveringServer : IAsyncLifetime
{
    public const int Stages = 3;

    internal CoordinatorServer Server { get; private set; } = null!;

    internal LaunchedStages Workers { get; private set; } = null!;

    /// <summary>Free KV blocks when nothing runs.</summary>
    internal double FreeBlocks { get; private set; }

    public async ValueTask InitializeAsync()
    {
        Server = await CoordinatorServer.StartAsync("--stages", $"{Stages}", "--kernels", "cpu", "--microbatches", "2");
        Workers = new LaunchedStages(Server);
        FreeBlocks = Server.Metrics("pipeline_kv_pages", "free");
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    /// <summary>All stages are up, nothing runs, no block is missing, and there are the workers that there have to be.</summary>
    internal async Task AssertWholeAsync()
    {
        await Server.WaitUntilIdleAsync();
        using var health = await Server.Http.GetAsync("/health", TestContext.Current.CancellationToken);
        Assert.True(health.IsSuccessStatusCode, await health.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(Stages, Server.Metrics("pipeline_stage_up"));
        Assert.Equal(FreeBlocks, Server.Metrics("pipeline_kv_pages", "free"));
        Workers.AssertNoOther();
    }
}
