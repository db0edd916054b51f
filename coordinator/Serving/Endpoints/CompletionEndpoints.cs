using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pipeline.Coordinator.Serving.Answers;
using Pipeline.Coordinator.Serving.Descriptions;
using Pipeline.Coordinator.Serving.Health;
using Pipeline.Coordinator.Serving.OpenAI;
using Pipeline.Coordinator.Serving.Requests;
using Pipeline.Coordinator.Serving.Streaming;

namespace Pipeline.Coordinator.Serving.Endpoints;

/// <summary>The endpoints that generate.</summary>
internal sealed class CompletionEndpoints(ServedModel model, Availability availability, RequestBodies bodies, AnswerJobs jobs, AnswerDelivery delivery)
{
    private static readonly int[] OfGenerating =
        [StatusCodes.Status401Unauthorized, StatusCodes.Status404NotFound, StatusCodes.Status503ServiceUnavailable, StatusCodes.Status504GatewayTimeout];

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/completions", context => AnswerAsync(context, fields => jobs.Of(CompletionRequestReader.Read(fields, model))))
            .Describe("Continues prompts.", typeof(CompletionAnswer)).Reads(RequestShape.Completion).Fails(OfGenerating);
        routes.MapPost("/v1/chat/completions", context => AnswerAsync(context, fields => jobs.Of(ChatRequestReader.Read(fields, model))))
            .Describe("Answers a conversation.", typeof(ChatAnswer)).Reads(RequestShape.Chat).Fails(OfGenerating);
    }

    private async Task AnswerAsync(HttpContext context, Func<RequestFields, AnswerJob> jobOf)
    {
        // Before the body is looked at: a server that loads says so, whatever it was asked.
        availability.Require();
        await delivery.DeliverAsync(context, await bodies.ReadAsync(context, jobOf));
    }
}
