using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pipeline.Coordinator.Serving.Endpoints;

namespace Pipeline.Coordinator.Serving.Page;

/// <summary>The page at the root: the pipeline live, and a box to chat with it. Its files are in the program.</summary>
internal static class PageEndpoints
{
    private static readonly (string Path, string Name, string Type)[] Files =
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/page.css", "page.css", "text/css; charset=utf-8"),
        ("/page.js", "page.js", "text/javascript; charset=utf-8"),
        ("/timeline.js", "timeline.js", "text/javascript; charset=utf-8"),
        ("/chat.js", "chat.js", "text/javascript; charset=utf-8"),
    ];

    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var (path, name, type) in Files)
        {
            var content = Read(name);
            routes.MapLook(path, context => WriteAsync(context, content, type)).ExcludeFromDescription();
        }
    }

    private static async Task WriteAsync(HttpContext context, ReadOnlyMemory<byte> content, string type)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = content.Length;
        // A new program has a new page, and everything it needs comes from here.
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers.ContentSecurityPolicy = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        await context.Response.Body.WriteAsync(content, context.RequestAborted);
    }

    private static byte[] Read(string name)
    {
        using var stream = typeof(PageEndpoints).Assembly.GetManifestResourceStream($"page/{name}")
            ?? throw new InvalidOperationException($"the page's file {name} is not in the program");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
