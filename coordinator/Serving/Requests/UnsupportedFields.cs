using System.Text.Json;
using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>
/// Fields that mean something to clients and nothing to this server. With a value that asks for nothing they pass; with any
/// other the request is refused, for an answer without what was asked for would look like one with it.
/// </summary>
internal static class UnsupportedFields
{
    private static readonly Dictionary<string, string[]> Neutral = new()
    {
        ["allowed_token_ids"] = [],
        ["audio"] = [],
        ["bad_words"] = ["[]"],
        ["best_of"] = ["1"],
        ["cache_salt"] = [],
        ["chat_template"] = [],
        ["chat_template_kwargs"] = ["{}"],
        ["continue_final_message"] = ["false"],
        ["add_generation_prompt"] = ["true"],
        ["documents"] = ["[]"],
        ["function_call"] = ["\"none\"", "\"auto\""],
        ["functions"] = ["[]"],
        ["guided_choice"] = [],
        ["guided_grammar"] = [],
        ["guided_json"] = [],
        ["guided_regex"] = [],
        ["length_penalty"] = ["1", "1.0"],
        ["logits_processors"] = ["[]"],
        ["modalities"] = ["[]", "[\"text\"]"],
        ["prediction"] = [],
        ["prompt_embeds"] = [],
        ["prompt_logprobs"] = [],
        ["reasoning_effort"] = ["\"none\""],
        ["return_token_ids"] = ["false"],
        ["return_tokens_as_token_ids"] = ["false"],
        ["service_tier"] = ["\"auto\"", "\"default\""],
        ["skip_special_tokens"] = ["true"],
        ["store"] = ["false"],
        ["structured_outputs"] = [],
        ["suffix"] = ["\"\""],
        ["tool_choice"] = ["\"none\"", "\"auto\""],
        ["tools"] = ["[]"],
        ["truncate_prompt_tokens"] = [],
        ["use_beam_search"] = ["false"],
        ["web_search_options"] = [],
    };

    public static void Refuse(RequestFields fields)
    {
        foreach (var (name, neutral) in Neutral)
        {
            if (fields.Element(name) is { } value && !neutral.Contains(Compact(value)))
            {
                throw ApiException.Invalid(name, $"{name} is not supported by this server; leave it out{(neutral.Length > 0 ? $" or send {neutral[0]}" : "")}");
            }
        }

        if (fields.Object("response_format") is { } format && format.Text("type") is not "text")
        {
            throw ApiException.Invalid("response_format", "response_format is not supported by this server unless its type is \"text\"");
        }
    }

    private static string Compact(JsonElement value) => value.ValueKind is JsonValueKind.Array or JsonValueKind.Object
        ? string.Concat(value.GetRawText().Where(character => !char.IsWhiteSpace(character)))
        : value.GetRawText();
}
