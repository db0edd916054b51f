using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pipeline.Coordinator.Serving.Descriptions;
using Pipeline.Coordinator.Serving.Metrics;
using Prometheus;

namespace Pipeline.Coordinator.Serving.Endpoints;

/// <summary>Figures for Prometheus.</summary>
internal sealed class MetricsEndpoint(CollectorRegistry registry)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapLook("/metrics", async context =>
    {
        context.Response.ContentType = ExpositionText.ContentType;
        await context.Response.WriteAsync(await ExpositionText.OfAsync(registry, context.RequestAborted), context.RequestAborted);
    }).Describe("Figures for Prometheus, in its text format.", typeof(string), "text/plain");
}
