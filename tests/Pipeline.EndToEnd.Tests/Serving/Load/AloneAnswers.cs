namespace Pipeline.EndToEnd.Tests.Serving.Load;

/// <summary>The mix of requests, each answered by a server that has nothing else to do and remembers nothing.</summary>
public sealed class AloneAnswers : IAsyncLifetime
{
    private const int Count = 64;

    internal IReadOnlyList<CompletionCall> Calls { get; } = RequestMix.Of(Count, seed: 11);

    internal IReadOnlyList<CompletionResult> Answers { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        await using var server = await CoordinatorServer.StartAsync("--stages", "1", "--kernels", "cpu", "--no-enable-prefix-caching");
        var answers = new List<CompletionResult>();
        foreach (var call in Calls)
        {
            answers.Add(await call.AnswerAsync(server.Http, TestContext.Current.CancellationToken));
        }

        Answers = answers;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
