using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Pipeline.Coordinator.Serving.Descriptions;

/// <summary>Says in the OpenAPI document whose it is, and which endpoints ask for a key.</summary>
internal sealed class ProductInfo : IOpenApiDocumentTransformer
{
    private const string Key = "key";

    private static readonly string Unauthorized = StatusCodes.Status401Unauthorized.ToString(CultureInfo.InvariantCulture);

    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo { Title = "Pipeline", Version = ProgramVersion.Current };
        document.AddComponent<IOpenApiSecurityScheme>(Key, new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "One of the server's keys, if it was started with any." });
        foreach (var operation in document.Paths.Values.SelectMany(path => path.Operations ?? []).Select(method => method.Value).Where(operation => operation.Responses?.ContainsKey(Unauthorized) ?? false))
        {
            operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Key, document)] = [] }];
        }

        return Task.CompletedTask;
    }
}
