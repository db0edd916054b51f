using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pipeline.Coordinator.Serving.Descriptions;
using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Coordinator.Serving.OpenAI;

namespace Pipeline.Coordinator.Serving.Endpoints;

/// <summary>What is served, and by which program.</summary>
internal sealed class ModelEndpoints(ServedModel model, TimeProvider timeProvider)
{
    private const string Owner = "pipeline";

    private readonly long _created = timeProvider.GetUtcNow().ToUnixTimeSeconds();

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapLook("/v1/models", context => JsonAnswers.WriteAsync(context, new ModelList("list", [.. model.Names.Select(Card)]), WireJson.Plain.ModelList))
            .Describe("Lists the names that the model is served under.", typeof(ModelList)).Fails(StatusCodes.Status401Unauthorized);
        routes.MapLook("/v1/models/{**name}", OneAsync).Describe("Tells of one name.", typeof(ModelCard)).Fails(StatusCodes.Status401Unauthorized, StatusCodes.Status404NotFound);
        routes.MapLook("/version", context => JsonAnswers.WriteAsync(context, new VersionAnswer(ProgramVersion.Current), WireJson.Plain.VersionAnswer))
            .Describe("Tells the version of the coordinator.", typeof(VersionAnswer));
    }

    private Task OneAsync(HttpContext context)
    {
        var name = context.Request.RouteValues["name"] as string ?? "";
        return model.Names.Contains(name) ? JsonAnswers.WriteAsync(context, Card(name), WireJson.Plain.ModelCard) : throw ApiException.UnknownModel(name, model.Names);
    }

    private ModelCard Card(string name) => new(name, "model", _created, Owner, model.MaxModelLength);
}
