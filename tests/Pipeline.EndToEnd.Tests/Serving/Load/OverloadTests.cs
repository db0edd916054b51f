using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;

namespace Pipeline.EndToEnd.Tests.Serving.Load;

/// <summary>Ten times as many clients as the server takes: those it takes are served, the others are told at once, nothing piles up.</summary>
public sealed class OverloadTests
{
    private const int Seats = 4;
    private const int Queue = 4;
    private const int Clients = 10 * (Seats + Queue);
    private const int Tokens = 24;

    private static readonly TimeSpan BeforeTheNextTry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private static readonly CompletionCall Call = CompletionCall.Of(("prompt", "ROMEO:\nBut soft, what light"), ("max_tokens", Tokens), ("ignore_eos", true), ("temperature", 0));

    private readonly ConcurrentBag<CompletionResult> _answers = [];
    private readonly ConcurrentBag<TimeSpan> _refusals = [];

    [Fact]
    public async Task TenTimesTheCapacity_AcceptedComplete_OthersAreToldAtOnce_NothingGrows()
    {
        await using var server = await CoordinatorServer.StartAsync("--stages", "2", "--kernels", "cpu", "--max-num-seqs", $"{Seats}", "--max-queue", $"{Queue}");
        var alone = await Call.AnswerAsync(server.Http, Token);
        await LoadAsync(server, WarmUp);
        var before = ServerMemory.Of(server);

        await LoadAsync(server, LoadSize.Overload);

        var after = ServerMemory.Of(server);
        var refusals = _refusals.Order().ToList();
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{LoadSize.Overload.TotalSeconds:0} s, {Clients} clients: {_answers.Count} answered, {refusals.Count} refused, median {refusals[refusals.Count / 2].TotalMilliseconds:0.0} ms, "
            + $"p99 {refusals[refusals.Count * 99 / 100].TotalMilliseconds:0.0} ms; before: {before}; after: {after}");
        Assert.All(_answers, answer => Assert.Equal(alone, answer));
        Assert.True(_answers.Count > Seats + Queue && refusals.Count > Clients, $"{_answers.Count} answers and {refusals.Count} refusals are no overload");
        // An answer takes longer than this here, so nobody who was refused has waited for one.
        Assert.True(refusals[refusals.Count / 2] < TimeSpan.FromMilliseconds(300), $"refused after {refusals[refusals.Count / 2].TotalMilliseconds} ms");
        after.AssertFlatSince(before);
        // Every place was given back: as many as the server takes are taken again.
        await Task.WhenAll(Enumerable.Range(0, Seats + Queue).Select(_ => Call.AnswerAsync(server.Http, Token)));
        await server.WaitUntilIdleAsync();
    }

    private async Task LoadAsync(CoordinatorServer server, TimeSpan length)
    {
        _answers.Clear();
        _refusals.Clear();
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            while (watch.Elapsed < length)
            {
                await TryAsync(server.Http);
            }
        }));
        await server.WaitUntilIdleAsync();
    }

    private async Task TryAsync(HttpClient http)
    {
        var watch = Stopwatch.StartNew();
        using var answer = await Call.SendAsync(http, Token);
        if (answer.StatusCode == HttpStatusCode.TooManyRequests)
        {
            _refusals.Add(watch.Elapsed);
            Assert.True(answer.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1), $"Retry-After is {answer.Headers.RetryAfter}");
            await Task.Delay(BeforeTheNextTry, Token);
            return;
        }

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        _answers.Add(CompletionCall.Read(await answer.Content.ReadAsStringAsync(Token)));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
