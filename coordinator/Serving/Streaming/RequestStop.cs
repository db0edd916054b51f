using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Streaming;

/// <summary>Everything that may end a request before its answer is complete, as one token, and which of it did.</summary>
internal sealed class RequestStop : IDisposable
{
    private readonly CancellationToken _client;
    private readonly CancellationToken _server;
    private readonly TimeSpan? _limit;
    private readonly CancellationTokenSource _deadline;
    private readonly CancellationTokenSource _any;

    /// <param name="limit">Time that a request may take.</param>
    /// <param name="server">The server ends, and its patience with running requests has too.</param>
    /// <param name="client">The client is gone.</param>
    public RequestStop(TimeSpan? limit, TimeProvider timeProvider, CancellationToken server, CancellationToken client)
    {
        (_client, _server, _limit) = (client, server, limit);
        _deadline = limit is { } time ? new CancellationTokenSource(time, timeProvider) : new CancellationTokenSource();
        _any = CancellationTokenSource.CreateLinkedTokenSource(client, server, _deadline.Token);
    }

    public CancellationToken Token => _any.Token;

    /// <summary>Ends what is still being generated for the request.</summary>
    public void End() => _any.Cancel();

    /// <summary>The failure to tell the client: its own, or for a cancellation whatever caused it.</summary>
    public Exception Explain(Exception failure) => failure is not OperationCanceledException || _client.IsCancellationRequested ? failure
        : _server.IsCancellationRequested ? ApiException.Unavailable("the server is shutting down", "stopping", TimeSpan.FromSeconds(1))
        : _deadline.IsCancellationRequested ? ApiException.TimedOut($"the answer was not complete after {_limit!.Value.TotalSeconds:0.###} s, the time that a request may take here")
        : failure;

    public void Dispose()
    {
        _any.Dispose();
        _deadline.Dispose();
    }
}
