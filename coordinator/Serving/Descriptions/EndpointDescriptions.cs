using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Pipeline.Coordinator.Serving.OpenAI;

namespace Pipeline.Coordinator.Serving.Descriptions;

/// <summary>What the OpenAPI document says of an endpoint.</summary>
internal static class EndpointDescriptions
{
    private const string Json = "application/json";

    // The framework lists only endpoints that it knows a method of. Ours take the request as it is, and all look like this one.
    private static readonly MethodInfo Method = ((RequestDelegate)(context => Task.CompletedTask)).Method;

    public static IEndpointConventionBuilder Describe(this IEndpointConventionBuilder endpoint, string summary, Type answer) => endpoint
        .WithSummary(summary)
        .WithMetadata(Method)
        .WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, answer, [Json]))
        .WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status503ServiceUnavailable, typeof(ErrorEnvelope), [Json]));

    /// <summary>For those that read a body.</summary>
    public static IEndpointConventionBuilder Reads(this IEndpointConventionBuilder endpoint, RequestShape shape) => endpoint
        .WithMetadata(shape)
        .WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status400BadRequest, typeof(ErrorEnvelope), [Json]));
}
