using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Pipeline.Coordinator.Serving.Endpoints;

/// <summary>Writes a document as the whole answer.</summary>
internal static class JsonAnswers
{
    public static Task WriteAsync<T>(HttpContext context, T document, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json";
        return JsonSerializer.SerializeAsync(context.Response.Body, document, type, context.RequestAborted);
    }
}
