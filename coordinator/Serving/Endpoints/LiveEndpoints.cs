using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Pipeline.Coordinator.Observation;
using Pipeline.Coordinator.Serving.Descriptions;
using Pipeline.Coordinator.Serving.Live;
using Pipeline.Coordinator.Serving.Streaming;

namespace Pipeline.Coordinator.Serving.Endpoints;

/// <summary>The pipeline at work: once, or as a stream of pictures. Nothing of what users write is in it, so it is as open as the metrics.</summary>
internal sealed class LiveEndpoints(LiveView live, IHostApplicationLifetime lifetime, TimeProvider timeProvider)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapLook("/pipeline", context => JsonAnswers.WriteAsync(context, live.Take(), LiveJson.Default.PipelineView))
            .Describe("Shows the pipeline at this moment: stages, queue, cache, the newest steps.", typeof(PipelineView));
        routes.MapGet("/pipeline/live", StreamAsync).Describe("The same as server-sent events, four times a second.", typeof(PipelineView), EndpointDescriptions.EventStream);
    }

    private async Task StreamAsync(HttpContext context)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        var stream = new EventStream(context.Response);
        stream.Begin();
        try
        {
            while (true)
            {
                stream.Write(JsonSerializer.SerializeToUtf8Bytes(live.Take(), LiveJson.Default.PipelineView));
                await stream.FlushAsync(stop.Token);
                await Task.Delay(Interval, timeProvider, stop.Token);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The viewer left, or the server ends.
        }
    }
}
