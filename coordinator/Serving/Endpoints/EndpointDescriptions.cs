using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Pipeline.Coordinator.Serving.OpenAI;

namespace Pipeline.Coordinator.Serving.Endpoints;

/// <summary>What the OpenAPI document says of an endpoint.</summary>
internal static class EndpointDescriptions
{
    public static void Describe(this IEndpointConventionBuilder endpoint, string summary, Type answer)
    {
        endpoint.WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, answer, ["application/json"]));
        endpoint.WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status400BadRequest, typeof(ErrorEnvelope), ["application/json"]));
        endpoint.WithSummary(summary);
    }
}
