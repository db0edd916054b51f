using Microsoft.AspNetCore.Http;

namespace Pipeline.Coordinator.Serving.Errors;

/// <summary>Gives every request an id, the client's own if it brought one, and every answer the id of its request.</summary>
internal sealed class RequestIdentity(RequestDelegate next, RandomIds ids)
{
    private const string Header = "X-Request-Id";
    private const int Longest = 128;

    public Task InvokeAsync(HttpContext context)
    {
        var given = context.Request.Headers[Header].ToString();
        var id = IsUsable(given) ? given : ids.Next("req-");
        context.TraceIdentifier = id;
        context.Response.OnStarting(() =>
        {
            context.Response.Headers[Header] = id;
            return Task.CompletedTask;
        });
        return next(context);
    }

    /// <summary>What comes back in a header, and perhaps goes into a log, must be one word.</summary>
    private static bool IsUsable(string id) => id.Length is > 0 and <= Longest && id.All(character => character is > ' ' and < '\x7f');
}
