using Microsoft.AspNetCore.Http;
using Pipeline.Coordinator.Serving.Requests;

namespace Pipeline.Coordinator.Serving.Endpoints;

/// <summary>Reads a request's body, up to the size that the server takes.</summary>
internal static class RequestBody
{
    public static async Task<RequestFields> ReadAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return RequestFields.Parse(body.GetBuffer().AsMemory(0, (int)body.Length));
    }
}
