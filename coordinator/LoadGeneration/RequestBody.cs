using System.Buffers;
using System.Text.Json;

namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>A request as JSON.</summary>
internal static class RequestBody
{
    public static ReadOnlyMemory<byte> Write(LoadTarget target, LoadPrompt prompt, RequestFields fields)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("model", target.Model);
        WritePrompt(json, target.Endpoint, prompt);
        json.WriteNumber("max_tokens", prompt.OutputTokens);
        WriteFields(json, fields);
        json.WriteBoolean("stream", true);
        json.WriteStartObject("stream_options");
        json.WriteBoolean("include_usage", true);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    private static void WritePrompt(Utf8JsonWriter json, CompletionEndpoint endpoint, LoadPrompt prompt)
    {
        if (endpoint == CompletionEndpoint.Chat)
        {
            json.WriteStartArray("messages");
            json.WriteStartObject();
            json.WriteString("role", "user");
            json.WriteString("content", prompt.Text);
            json.WriteEndObject();
            json.WriteEndArray();
        }
        else if (prompt.TokenIds is { } ids)
        {
            json.WriteStartArray("prompt");
            foreach (var id in ids)
            {
                json.WriteNumberValue(id);
            }

            json.WriteEndArray();
        }
        else
        {
            json.WriteString("prompt", prompt.Text);
        }
    }

    private static void WriteFields(Utf8JsonWriter json, RequestFields fields)
    {
        WriteNumber(json, "temperature", fields.Temperature);
        WriteNumber(json, "top_p", fields.TopP);
        WriteNumber(json, "top_k", fields.TopK);
        WriteNumber(json, "min_p", fields.MinP);
        WriteNumber(json, "repetition_penalty", fields.RepetitionPenalty);
        WriteNumber(json, "frequency_penalty", fields.FrequencyPenalty);
        WriteNumber(json, "presence_penalty", fields.PresencePenalty);
        if (fields.IgnoreEos)
        {
            json.WriteBoolean("ignore_eos", true);
        }
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }
}
