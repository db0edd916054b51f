using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pipeline.Coordinator.Serving.Descriptions;
using Pipeline.Coordinator.Serving.Health;
using Pipeline.Coordinator.Serving.OpenAI;

namespace Pipeline.Coordinator.Serving.Endpoints;

/// <summary>
/// Alive: this process answers. Ready: it can serve, which every stage has shown lately. What is not ready yet must not be
/// restarted, so the two are asked for under two paths.
/// </summary>
internal sealed class HealthEndpoints(Readiness readiness)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapLook("/health/live", context => WriteAsync(context, "alive")).Describe("Answers as long as the process does.", typeof(StatusAnswer));
        foreach (var path in new[] { "/health", "/health/ready" })
        {
            routes.MapLook(path, ReadyAsync).Describe("Tells whether requests can be served; if not, which stage is to blame.", typeof(StatusAnswer)).Fails(StatusCodes.Status503ServiceUnavailable);
        }
    }

    private Task ReadyAsync(HttpContext context)
    {
        readiness.Check();
        return WriteAsync(context, "ok");
    }

    private static Task WriteAsync(HttpContext context, string status) => JsonAnswers.WriteAsync(context, new StatusAnswer(status), WireJson.Plain.StatusAnswer);
}
