using System.Diagnostics;
using Pipeline.EndToEnd.Tests.Contracts;
using Pipeline.EndToEnd.Tests.Processes;
using TorchSharp;

namespace Pipeline.EndToEnd.Tests.Serving.Load;

/// <summary>Clients that leave at any moment leave nothing behind: no block, no tensor, no place in the queue.</summary>
public sealed class LeavingClientsTests(InProcessWorkers workers) : IClassFixture<InProcessWorkers>
{
    private const int Stages = 2;
    private const int AtOnce = 24;
    private const int Seats = 16;
    private const int LongestStay = 120;
    private const int ReadsOneOf = 4;
    private const long Slack = 64L << 20;

    private static readonly TimeSpan BeforeTheNext = TimeSpan.FromMilliseconds(50);
    private static readonly CompletionCall Short = CompletionCall.Of(("prompt", "JULIET:\n"), ("max_tokens", 20), ("temperature", 0), ("logprobs", 1));

    [Fact]
    public async Task ManyCancels_LeaveNoBlockNoTensorNoPlace()
    {
        var addresses = string.Join(',', await workers.AddressesAsync(Stages));
        await using var server = await CoordinatorServer.StartAsync("--workers", addresses, "--kernels", "cpu", "--max-num-seqs", $"{Seats}", "--max-queue", $"{AtOnce}");
        var alone = await Short.AnswerAsync(server.Http, Token);
        // Memory stays level from some thousands on (seen with 40000): as many come before what is compared.
        await LeaveAsync(server, LoadSize.Cancels, seed: 1);
        var tensors = await LiveTensorsAsync();
        var (coordinator, own, threads) = Figures(server);

        var aborts = Aborts(server);
        var (left, seen) = await LeaveAsync(server, LoadSize.Cancels, seed: 2);

        var after = Figures(server);
        aborts = Aborts(server) - aborts;
        var tensorsAfter = await LiveTensorsAsync();
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{left} of {LoadSize.Cancels} left early, {seen} of them in the middle of their answer, {aborts} while they were served; tensors {tensors} to {tensorsAfter}; coordinator {coordinator >> 20} to {after.Coordinator >> 20} MiB, "
            + $"{threads} to {after.Threads} threads; workers and test {own >> 20} to {after.Own >> 20} MiB");
        Assert.True(left > LoadSize.Cancels / 2, $"{left} left early");
        // How many are served before they leave depends on the host; those who have seen a part of their answer were.
        Assert.True(seen > LoadSize.Cancels / (2 * ReadsOneOf), $"{seen} left in the middle of their answer");
        Assert.InRange(aborts, seen, left);
        Assert.Equal(tensors, tensorsAfter);
        Assert.InRange(after.Coordinator, 0, coordinator + Slack);
        Assert.InRange(after.Own, 0, own + Slack);
        Assert.InRange(after.Threads, 0, threads + 8);
        // Every place was given back: as many as the server takes are taken again, and answered as ever.
        Assert.All(await Task.WhenAll(Enumerable.Range(0, Seats + AtOnce).Select(_ => Short.AnswerAsync(server.Http, Token))), answer => Assert.Equal(alone, answer));
        await server.WaitUntilIdleAsync();
    }

    /// <summary>
    /// Sends this many and leaves them: some in the middle of their answer, the others after a while of their own. Returns how many
    /// had not ended by themselves, and how many of them had seen a part of their answer.
    /// </summary>
    private static async Task<(int Left, int Seen)> LeaveAsync(CoordinatorServer server, int count, int seed)
    {
        var (next, left, seen) = (0, 0, 0);
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async client =>
        {
            var random = new Random((seed * AtOnce) + client);
            while (Interlocked.Increment(ref next) is var number && number <= count)
            {
                var (reads, begun) = (number % ReadsOneOf == 0, false);
                var call = CompletionCall.Of(("prompt", new[] { 1, random.Next(260, 512), 300 }), ("max_tokens", 2000), ("ignore_eos", true), ("stream", reads || random.Next(2) == 0));
                var stay = random.Next(1, LongestStay);
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
                if (!reads)
                {
                    patience.CancelAfter(stay);
                }

                try
                {
                    // On a busy machine the server hears late of those who left, and may refuse who comes after them.
                    using var answer = await call.SendAsync(server.Http, patience.Token);
                    using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(patience.Token));
                    if (reads && answer.IsSuccessStatusCode)
                    {
                        begun = await HasBegunAsync(reader);
                        patience.CancelAfter(stay);
                    }

                    await reader.ReadToEndAsync(patience.Token);
                    await Task.Delay(BeforeTheNext, Token);
                }
                catch (OperationCanceledException) when (patience.IsCancellationRequested)
                {
                    Interlocked.Increment(ref left);
                    Interlocked.Add(ref seen, begun ? 1 : 0);
                }
            }
        }));
        await server.WaitUntilIdleAsync();
        return (left, seen);
    }

    /// <summary>Waits for the first event of a stream; comments before it tell only that the server is alive.</summary>
    private static async Task<bool> HasBegunAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync(Token) is { } line)
        {
            if (line.StartsWith("data: {", StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private static double Aborts(CoordinatorServer server) => server.Metrics("vllm:request_success_total", "\"abort\"");

    private static (long Coordinator, long Own, int Threads) Figures(CoordinatorServer server)
    {
        // Garbage of the clients, which live in this process too, is no leak.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = Process.GetProcessById(server.Process.Id);
        return (ProcessTable.ResidentBytes(server.Process.Id), ProcessTable.ResidentBytes(Environment.ProcessId), process.Threads.Count);
    }

    /// <summary>Counted on both compute threads at once, which is to say while neither stage is in the middle of a step.</summary>
    private Task<long> LiveTensorsAsync()
    {
        var (first, second) = (workers.SessionOf(0)!.Thread, workers.SessionOf(1)!.Thread);
        return first.RunAsync(() => second.RunAsync(() => torch.Tensor.TotalCount).GetAwaiter().GetResult());
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
