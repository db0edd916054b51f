using Microsoft.AspNetCore.Http;
using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Admission;

/// <summary>
/// Asks for a key in front of everything that costs or tells something. Health, metrics, version and the description of the
/// interface are open: what polls them has no key.
/// </summary>
internal sealed class Authentication(RequestDelegate next, ApiKeys keys)
{
    private const string Scheme = "Bearer ";
    private static readonly PathString[] Guarded = ["/v1", "/tokenize", "/detokenize"];

    public Task InvokeAsync(HttpContext context)
    {
        if (keys.AreRequired && Array.Exists(Guarded, path => context.Request.Path.StartsWithSegments(path)))
        {
            context.Items[typeof(Authentication)] = Check(context.Request.Headers.Authorization.ToString());
        }

        return next(context);
    }

    /// <summary>Number of the key that the request showed; 0 where none is asked for.</summary>
    public static int KeyOf(HttpContext context) => context.Items[typeof(Authentication)] as int? ?? 0;

    private int Check(string header)
    {
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            throw ApiException.Unauthorized("this server wants an API key: send the header Authorization: Bearer KEY");
        }

        return keys.Find(header[Scheme.Length..].Trim()) ?? throw ApiException.Unauthorized("the API key in the header Authorization is none of this server's");
    }
}
