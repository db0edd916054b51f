using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pipeline.Coordinator.Serving.Metrics;

namespace Pipeline.Coordinator.Serving.Errors;

/// <summary>The outermost step of every request: whatever goes wrong inside becomes an answer, and no answer shows a stack.</summary>
internal sealed partial class ErrorHandling(RequestDelegate next, RequestMetrics metrics, ILogger<ErrorHandling> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
            if (!context.Response.HasStarted && context.Response is { StatusCode: StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed, ContentLength: null, ContentType: null })
            {
                await AnswerAsync(context, Nowhere(context));
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is left to be told.
        }
#pragma warning disable CA1031 // the outermost frame of a request
        catch (Exception failure) when (!context.Response.HasStarted)
#pragma warning restore CA1031
        {
            var error = Failures.Describe(failure);
            if (error.Status == StatusCodes.Status500InternalServerError)
            {
                LogDefect(failure, context.Request.Method, context.Request.Path);
            }

            context.Response.Clear();
            await AnswerAsync(context, error);
        }
    }

    private Task AnswerAsync(HttpContext context, ApiException error)
    {
        metrics.CountError(error.Status, error.Code ?? error.Type);
        return ErrorResponses.WriteAsync(context.Response, error);
    }

    private static ApiException Nowhere(HttpContext context) => new(
        context.Response.StatusCode, "invalid_request_error", $"nothing answers {context.Request.Method} {context.Request.Path}; /openapi/v1.json lists what does")
    {
        Code = context.Response.StatusCode == StatusCodes.Status405MethodNotAllowed ? "method_not_allowed" : "not_found",
    };

    [LoggerMessage(1, LogLevel.Error, "{Method} {Path} failed unexpectedly")]
    private partial void LogDefect(Exception failure, string method, PathString path);
}
