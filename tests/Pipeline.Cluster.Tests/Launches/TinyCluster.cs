using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Nodes;

namespace Pipeline.Cluster.Tests.Launches;

/// <summary>The overlay <c>tiny-cpu</c>, running; for all tests of one class.</summary>
public sealed class TinyCluster : IAsyncDisposable
{
    private TestCluster? _cluster;
    private Task? _starting;

    internal TestCluster Cluster => _cluster!;

    internal ServiceClient Client { get; private set; } = null!;

    /// <summary>What a healthy pipeline answers; nothing that happens may change a word of it.</summary>
    internal string Answer { get; private set; } = "";

    /// <summary>
    /// Started by the first test, and asked for by each: where there can be no cluster every one of them is skipped with the reason,
    /// which a fixture that starts by itself cannot bring about.
    /// </summary>
    public Task StartedAsync() => _starting ??= StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    private async Task StartAsync()
    {
        _cluster = await TestCluster.ApplyAsync(await ManifestSet.OfAsync(Overlays.TinyCpu), new ClusterStorage());
        Client = new ServiceClient(_cluster, "tiny-mixtral");
        await _cluster.AllReadyAsync();
        Answer = await Client.AskAsync();
    }
}
