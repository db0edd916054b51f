using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Pipeline.Coordinator.Serving.Descriptions;

/// <summary>Puts the shapes of requests into the OpenAPI document: bodies are read field by field, so no type tells them.</summary>
internal sealed class RequestShapes : IOpenApiOperationTransformer
{
    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<RequestShape>().FirstOrDefault() is { } shape)
        {
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = new Dictionary<string, OpenApiMediaType> { [EndpointDescriptions.Json] = new() { Schema = shape.Schema() } },
            };
            if (shape.Streams && operation.Responses?["200"].Content is { } answers)
            {
                answers[EndpointDescriptions.EventStream] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = "With stream: true, data: lines with parts of the answer, and [DONE]." } };
            }
        }

        return Task.CompletedTask;
    }
}
