using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Pipeline.Coordinator.Serving.Endpoints;

/// <summary>Paths to look at, which change nothing.</summary>
internal static class Looks
{
    /// <summary>HEAD is answered as GET is; the web server leaves the body out.</summary>
    public static IEndpointConventionBuilder MapLook(this IEndpointRouteBuilder routes, string path, RequestDelegate answer)
    {
        routes.MapMethods(path, [HttpMethods.Head], answer).ExcludeFromDescription();
        return routes.MapGet(path, answer);
    }
}
