using System.Text.Json;
using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>Reads requests to <c>/v1/completions</c>.</summary>
internal static class CompletionRequestReader
{
    private const int DefaultMaxTokens = 16;
    private const int MostPrompts = 1024;
    private const string WantedPrompt = "a string, a list of strings, a list of token ids, or a list of such lists";

    public static CompletionRequest Read(RequestFields fields, ServedModel model)
    {
        var logprobs = fields.Integer("logprobs", 0, AnswerOptionsReader.MostLogprobs);
        var options = AnswerOptionsReader.Read(fields, model, logprobs);
        var maxTokens = fields.Integer("max_tokens", 0, AnswerOptionsReader.MostTokens) ?? DefaultMaxTokens;
        MinTokens.Check(options.Sampling.MinTokens, maxTokens, "max_tokens");
        var echo = fields.Flag("echo") ?? false;
        if (echo && logprobs is not null)
        {
            throw ApiException.Invalid("echo", "echo is not supported by this server together with logprobs; leave out one of them");
        }

        return new CompletionRequest(Prompts(fields.Required("prompt", WantedPrompt), model), maxTokens, echo, options);
    }

    private static List<PromptInput> Prompts(JsonElement prompt, ServedModel model)
    {
        if (prompt.ValueKind == JsonValueKind.String)
        {
            return [OfText(prompt, "prompt", model)];
        }

        if (prompt.ValueKind != JsonValueKind.Array || prompt.GetArrayLength() == 0)
        {
            throw RequestFields.Wrong("prompt", prompt, WantedPrompt);
        }

        var items = prompt.EnumerateArray().ToList();
        if (items[0].ValueKind == JsonValueKind.Number)
        {
            return [OfIds(items, "prompt", model)];
        }

        return items.Count <= MostPrompts
            ? [.. items.Select((item, index) => OfItem(item, $"prompt[{index}]", model))]
            : throw ApiException.Invalid("prompt", $"prompt has {items.Count} prompts; at most {MostPrompts} are taken at once");
    }

    private static PromptInput OfItem(JsonElement item, string path, ServedModel model) => item.ValueKind switch
    {
        JsonValueKind.String => OfText(item, path, model),
        JsonValueKind.Array => OfIds(item.EnumerateArray(), path, model),
        _ => throw RequestFields.Wrong(path, item, "a string or a list of token ids"),
    };

    private static PromptInput OfText(JsonElement item, string path, ServedModel model)
    {
        var text = item.GetString()!;
        var tokenizer = model.RequireTokenizer(path);
        return new PromptInput(text, [tokenizer.BosId, .. tokenizer.Encode(text)]);
    }

    private static PromptInput OfIds(IEnumerable<JsonElement> items, string path, ServedModel model)
    {
        var ids = TokenIds.Read(items, path, model.Config);
        return ids.Length > 0 ? new PromptInput(null, ids) : throw ApiException.Invalid(path, $"{path} is []; at least one token id is wanted");
    }
}
