namespace Pipeline.Coordinator.Serving.Hosting;

/// <summary>The moment from which running requests are not waited for any more.</summary>
internal sealed class ServerEnd : IDisposable
{
    private readonly CancellationTokenSource _end = new();

    public CancellationToken Token => _end.Token;

    public void Come() => _end.Cancel();

    public void Dispose() => _end.Dispose();
}
