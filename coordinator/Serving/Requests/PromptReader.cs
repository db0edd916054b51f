using System.Text.Json;
using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>Reads the prompts of a completion, one or many, in any of their forms.</summary>
/// <param name="addBos">A text begins with the token that begins a text; a list of ids is taken as it is.</param>
internal sealed class PromptReader(ServedModel model, bool addBos)
{
    public const string Wanted = "a string, a list of strings, a list of token ids, or a list of such lists";

    private const int MostPrompts = 1024;

    public List<PromptInput> Read(JsonElement prompt)
    {
        if (prompt.ValueKind == JsonValueKind.String)
        {
            return [OfText(prompt, "prompt")];
        }

        if (prompt.ValueKind != JsonValueKind.Array || prompt.GetArrayLength() == 0)
        {
            throw RequestFields.Wrong("prompt", prompt, Wanted);
        }

        if (prompt[0].ValueKind == JsonValueKind.Number)
        {
            return [OfIds(prompt, "prompt")];
        }

        var count = prompt.GetArrayLength();
        return count <= MostPrompts
            ? [.. prompt.EnumerateArray().Select((item, index) => OfItem(item, $"prompt[{index}]"))]
            : throw ApiException.Invalid("prompt", $"prompt has {count} prompts; at most {MostPrompts} are taken at once");
    }

    private PromptInput OfItem(JsonElement item, string path) => item.ValueKind switch
    {
        JsonValueKind.String => OfText(item, path),
        JsonValueKind.Array => OfIds(item, path),
        _ => throw RequestFields.Wrong(path, item, "a string or a list of token ids"),
    };

    private PromptInput OfText(JsonElement item, string path)
    {
        var text = item.GetString()!;
        var tokenizer = model.RequireTokenizer(path);
        PromptLength.CheckText(text, path, model);
        int[] ids = addBos ? [tokenizer.BosId, .. tokenizer.Encode(text)] : tokenizer.Encode(text);
        PromptLength.CheckTokens(ids.Length, path, model);
        return new PromptInput(text, ids);
    }

    private PromptInput OfIds(JsonElement list, string path)
    {
        PromptLength.CheckTokens(list.GetArrayLength(), path, model);
        var ids = TokenIds.Read(list.EnumerateArray(), path, model.Config);
        return ids.Length > 0 ? new PromptInput(null, ids) : throw ApiException.Invalid(path, $"{path} is []; at least one token id is wanted");
    }
}
