using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Pipeline.Coordinator.Serving.Tracing;

/// <summary>One span for every request that may generate, as a part of the client's trace if it names one.</summary>
internal sealed class RequestTracing(RequestDelegate next)
{
    private const string TraceParent = "traceparent";
    private const string TraceState = "tracestate";
    private static readonly PathString Traced = "/v1";

    public async Task InvokeAsync(HttpContext context)
    {
        if (!PipelineTraces.Source.HasListeners() || !context.Request.Path.StartsWithSegments(Traced))
        {
            await next(context);
            return;
        }

        // The web server has an activity of its own, which is told to nobody: a parent that no trace would ever show.
        Activity.Current = null;
        using var span = PipelineTraces.Source.StartActivity($"{context.Request.Method} {context.Request.Path}", ActivityKind.Server, ParentOf(context.Request));
        try
        {
            await next(context);
        }
        finally
        {
            Describe(span, context);
        }
    }

    /// <summary>What cannot be read counts as not sent, as the standard asks.</summary>
    private static ActivityContext ParentOf(HttpRequest request) =>
        ActivityContext.TryParse(request.Headers[TraceParent], request.Headers[TraceState], isRemote: true, out var parent) ? parent : default;

    private static void Describe(Activity? span, HttpContext context)
    {
        span?.SetTag("http.request.method", context.Request.Method)
            .SetTag("url.path", context.Request.Path.Value)
            .SetTag("http.response.status_code", context.Response.StatusCode)
            .SetTag("pipeline.request_id", context.TraceIdentifier)
            .SetStatus(context.Response.StatusCode >= StatusCodes.Status500InternalServerError ? ActivityStatusCode.Error : ActivityStatusCode.Unset);
    }
}
