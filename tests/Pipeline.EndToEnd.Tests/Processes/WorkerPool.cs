using System.Diagnostics;
using Pipeline.Coordinator.Stages;
using Pipeline.Protos.Clients;

namespace Pipeline.EndToEnd.Tests.Processes;

/// <summary>
/// Stage workers that stand ready for all tests, as on a cluster: each test takes as many as it needs with <c>--workers</c>. One
/// that a test has killed is replaced when it is asked for again.
/// </summary>
public sealed class WorkerPool : IAsyncDisposable
{
    private readonly List<WorkerProcess> _workers = [];

    public async Task<IReadOnlyList<WorkerProcess>> TakeAsync(int count)
    {
        for (var index = 0; index < count; index++)
        {
            if (index == _workers.Count)
            {
                _workers.Add(await StartAsync(index));
            }
            else if (!ProcessTable.IsRunning(_workers[index].Id))
            {
                await _workers[index].DisposeAsync();
                _workers[index] = await StartAsync(index);
            }

            await FreeAsync(_workers[index]);
        }

        return [.. _workers.Take(count)];
    }

    /// <summary>The value of <c>--workers</c>.</summary>
    public async Task<string> AddressesAsync(int count) => string.Join(',', (await TakeAsync(count)).Select(worker => worker.Address));

    public async ValueTask DisposeAsync() => await PipelineParts.DisposeAllAsync(_workers);

    /// <summary>The test before may have left this very moment, and its worker still be freeing the shard.</summary>
    private static async Task FreeAsync(WorkerProcess worker)
    {
        await using var connection = new StageConnection(worker.Address, 0, null);
        var watch = Stopwatch.StartNew();
        while ((await connection.HelloAsync(TestContext.Current.CancellationToken)).InUse && watch.Elapsed < Eventually.Limit)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    private static Task<WorkerProcess> StartAsync(int index) =>
        WorkerProcess.StartAsync(index, "cpu", WorkerEnvironment.ForLocal("cpu"), TimeProvider.System, TestContext.Current.CancellationToken);
}
