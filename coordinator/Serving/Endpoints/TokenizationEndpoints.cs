using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pipeline.Coordinator.Serving.Descriptions;
using Pipeline.Coordinator.Serving.OpenAI;
using Pipeline.Coordinator.Serving.Requests;
using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Serving.Endpoints;

/// <summary>Text to token ids and back, as the generating endpoints do it. Needs no pipeline.</summary>
internal sealed class TokenizationEndpoints(ServedModel model, RequestBodies bodies)
{
    private const string NoTokens = "/tokenize and /detokenize are not for this model";

    private static readonly int[] OfTokenizing = [StatusCodes.Status401Unauthorized, StatusCodes.Status404NotFound];

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/tokenize", TokenizeAsync).Describe("Makes token ids of a prompt or a conversation.", typeof(TokenizeAnswer)).Reads(RequestShape.Tokenize).Fails(OfTokenizing);
        routes.MapPost("/detokenize", DetokenizeAsync).Describe("Makes text of token ids.", typeof(DetokenizeAnswer)).Reads(RequestShape.Detokenize).Fails(OfTokenizing);
    }

    private async Task TokenizeAsync(HttpContext context) =>
        await JsonAnswers.WriteAsync(context, await bodies.ReadAsync(context, Tokenize), WireJson.Plain.TokenizeAnswer);

    private async Task DetokenizeAsync(HttpContext context) =>
        await JsonAnswers.WriteAsync(context, await bodies.ReadAsync(context, Detokenize), WireJson.Plain.DetokenizeAnswer);

    private TokenizeAnswer Tokenize(RequestFields fields)
    {
        UnsupportedFields.Refuse(fields);
        model.RequireName(fields.Text("model"));
        var field = fields.Element("messages") is null ? "prompt" : "messages";
        var tokenizer = model.RequireTokenizer(field, NoTokens);
        var ids = field == "messages" ? model.RequireChatTemplate().Encode(ChatMessages.Read(fields)) : Prompt(fields, tokenizer);
        return new TokenizeAnswer
        {
            Count = ids.Length,
            MaxModelLen = model.MaxModelLength,
            Tokens = ids,
            TokenStrs = fields.Flag("return_token_strs") ?? false ? [.. ids.Select(tokenizer.PieceOf)] : null,
        };
    }

    private static int[] Prompt(RequestFields fields, SentencePieceTokenizer tokenizer)
    {
        fields.Required("prompt", "a string");
        var ids = tokenizer.Encode(fields.Text("prompt")!);
        return fields.Flag("add_special_tokens") ?? true ? [tokenizer.BosId, .. ids] : ids;
    }

    private DetokenizeAnswer Detokenize(RequestFields fields)
    {
        const string Wanted = "a list of token ids";
        model.RequireName(fields.Text("model"));
        fields.Required("tokens", Wanted);
        var ids = TokenIds.Read(fields.List("tokens", Wanted)!, "tokens", model.Config);
        return new DetokenizeAnswer(model.RequireTokenizer("tokens", NoTokens).Decode(ids));
    }
}
