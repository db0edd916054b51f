using Microsoft.Extensions.Logging;

namespace Pipeline.Coordinator.Serving.Tracing;

/// <summary>Tells once that traces do not arrive: the exporter drops them without a word, and would do so for ever.</summary>
internal sealed partial class ExportWatch(ILogger<ExportWatch> logger) : DelegatingHandler(new SocketsHttpHandler())
{
    private int _told;

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return Look(request, base.Send(request, cancellationToken));
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            Tell(request, exception.Message);
            throw;
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return Look(request, await base.SendAsync(request, cancellationToken));
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            Tell(request, exception.Message);
            throw;
        }
    }

    private HttpResponseMessage Look(HttpRequestMessage request, HttpResponseMessage answer)
    {
        if (!answer.IsSuccessStatusCode)
        {
            Tell(request, $"it answers {(int)answer.StatusCode}");
        }

        return answer;
    }

    private void Tell(HttpRequestMessage request, string reason)
    {
        if (Interlocked.Exchange(ref _told, 1) == 0)
        {
            LogLost(request.RequestUri, reason);
        }
    }

    [LoggerMessage(3, LogLevel.Warning, "traces do not reach the collector at {Address} and are dropped: {Reason}; this is told once")]
    private partial void LogLost(Uri? address, string reason);
}
