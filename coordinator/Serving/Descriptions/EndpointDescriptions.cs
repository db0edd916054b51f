using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Pipeline.Coordinator.Serving.OpenAI;

namespace Pipeline.Coordinator.Serving.Descriptions;

/// <summary>What the OpenAPI document says of an endpoint.</summary>
internal static class EndpointDescriptions
{
    public const string Json = "application/json";
    public const string EventStream = "text/event-stream";

    // The framework lists only endpoints that it knows a method of. Ours take the request as it is, and all look like this one.
    private static readonly MethodInfo Method = ((RequestDelegate)(context => Task.CompletedTask)).Method;

    public static IEndpointConventionBuilder Describe(this IEndpointConventionBuilder endpoint, string summary, Type answer) => endpoint.Describe(summary, answer, Json);

    public static IEndpointConventionBuilder Describe(this IEndpointConventionBuilder endpoint, string summary, Type answer, string contentType) => endpoint
        .WithSummary(summary)
        .WithMetadata(Method)
        .WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, answer, [contentType]));

    /// <summary>For those that read a body; what is wrong with it, its size, its encoding, and too many at a time are told.</summary>
    public static IEndpointConventionBuilder Reads(this IEndpointConventionBuilder endpoint, RequestShape shape) => endpoint
        .WithMetadata(shape)
        .Fails(StatusCodes.Status400BadRequest, StatusCodes.Status413PayloadTooLarge, StatusCodes.Status415UnsupportedMediaType, StatusCodes.Status429TooManyRequests);

    /// <summary>The errors that an endpoint may answer with; 401 says that it asks for a key.</summary>
    public static IEndpointConventionBuilder Fails(this IEndpointConventionBuilder endpoint, params int[] statuses) =>
        endpoint.WithMetadata([.. statuses.Select(status => new ProducesResponseTypeMetadata(status, typeof(ErrorEnvelope), [Json]))]);
}
