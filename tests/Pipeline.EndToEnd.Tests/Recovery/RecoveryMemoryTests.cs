using System.Globalization;
using Pipeline.EndToEnd.Tests.Serving;
using Pipeline.EndToEnd.Tests.Serving.Load;

namespace Pipeline.EndToEnd.Tests.Recovery;

/// <summary>A stage that stays gets a new cache in every epoch, and must have given back the one before.</summary>
public sealed class RecoveryMemoryTests
{
    private const int Losses = 5;
    private const long CacheBytes = 256L << 20;

    private static readonly CompletionCall Call = CompletionCall.Of(("prompt", "ROMEO:\n"), ("max_tokens", 4), ("temperature", 0), ("ignore_eos", true));

    [Fact]
    public async Task ManyLosses_OfItsNeighbour_AStageKeepsOneCache()
    {
        await using var server = await CoordinatorServer.StartAsync("--stages", "2", "--kv-cache-memory", "256MiB");
        var workers = new LaunchedStages(server);
        Assert.True(server.Metrics("pipeline_kv_pages", "free") >= 8_000, "the cache is too small for this to prove anything");
        await LoseAsync(server, workers, 1);
        var before = MappedBytes(workers.IdOf(0));

        for (var loss = 1; loss < Losses; loss++)
        {
            await LoseAsync(server, workers, 1 + loss);
        }

        var growth = MappedBytes(workers.IdOf(0)) - before;
        Assert.True(growth < CacheBytes, $"the stage that stayed has taken {growth >> 20} MiB more");
    }

    private static async Task LoseAsync(CoordinatorServer server, LaunchedStages workers, int recoveries)
    {
        await workers.KillAsync(1);
        await Call.AnswerAsync(server.Http, TestContext.Current.CancellationToken);
        Assert.Equal(recoveries, server.Metrics("pipeline_recoveries_total"));
    }

    /// <summary>Also what was never written to, as most of an unused cache.</summary>
    private static long MappedBytes(int processId)
    {
        var line = File.ReadLines($"/proc/{processId}/status").First(line => line.StartsWith("VmData:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
