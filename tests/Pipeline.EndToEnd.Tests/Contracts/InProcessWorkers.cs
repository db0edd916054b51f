using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Pipeline.StageWorker.Hosting;
using Pipeline.StageWorker.Sessions;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>Complete workers inside this process, on real sockets: everything but the process, and one can look inside.</summary>
public sealed class InProcessWorkers : IAsyncDisposable
{
    private readonly List<WebApplication> _hosts = [];

    /// <summary>Services in the place of the product's.</summary>
    public Action<IServiceCollection>? Replace { get; init; }

    public async Task<IReadOnlyList<string>> AddressesAsync(int count)
    {
        while (_hosts.Count < count)
        {
            var host = WorkerHost.Build(new WorkerOptions(), Replace);
            _hosts.Add(host);
            await host.StartAsync(TestContext.Current.CancellationToken);
        }

        return [.. _hosts.Take(count).Select(WorkerHost.AddressOf)];
    }

    /// <summary>What a worker holds for its coordinator now; null if nobody has its lease.</summary>
    internal StageSession? SessionOf(int worker) => _hosts[worker].Services.GetRequiredService<StageLease>().Current;

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }
    }
}
