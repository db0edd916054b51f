using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Pipeline.Coordinator.Serving.Streaming;

/// <summary>An answer as server-sent events: one <c>data:</c> line and a blank one for each document.</summary>
internal sealed class EventStream(HttpResponse response)
{
    public void Begin()
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        // Proxies that gather answers would hold back what is to be seen at once.
        response.Headers["X-Accel-Buffering"] = "no";
    }

    public void Write(byte[] document)
    {
        response.BodyWriter.Write("data: "u8);
        response.BodyWriter.Write(document);
        response.BodyWriter.Write("\n\n"u8);
    }

    public void WriteDone() => response.BodyWriter.Write("data: [DONE]\n\n"u8);

    /// <summary>A comment, which clients skip: the connection is seen to be alive while nothing is to be told.</summary>
    public void WritePing() => response.BodyWriter.Write(": ping\n\n"u8);

    /// <summary>Waits as long as the client does not read.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken) => await response.BodyWriter.FlushAsync(cancellationToken);
}
