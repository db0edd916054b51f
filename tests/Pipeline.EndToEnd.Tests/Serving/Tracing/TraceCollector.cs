using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Pipeline.EndToEnd.Tests.Servers;

namespace Pipeline.EndToEnd.Tests.Serving.Tracing;

/// <summary>Takes what is exported by OTLP over HTTP, as a collector does.</summary>
internal sealed class TraceCollector : IAsyncDisposable
{
    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    private LocalServer _server = null!;

    public IReadOnlyList<ReceivedSpan> Spans => [.. _spans];

    public string Address => $"http://{_server.Address}";

    public static async Task<TraceCollector> StartAsync()
    {
        var collector = new TraceCollector();
        collector._server = await LocalServer.StartWebSiteAsync(app => app.MapPost("/v1/traces", collector.TakeAsync));
        return collector;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        foreach (var span in SpanReader.Read(body.ToArray()))
        {
            _spans.Enqueue(span);
        }
    }
}
