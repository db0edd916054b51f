using Microsoft.OpenApi;

namespace Pipeline.Coordinator.Serving.Descriptions;

/// <summary>A field of a request's body, as the OpenAPI document tells of it.</summary>
internal sealed record RequestField(string Name, JsonSchemaType Type, string Meaning)
{
    /// <summary>What a list holds; null for what is never a list.</summary>
    public OpenApiSchema? Items { get; init; }

    public OpenApiSchema Schema() => new() { Type = Type, Description = Meaning, Items = Items };
}
