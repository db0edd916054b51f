using System.Text.Json;

namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>
/// What a load generator wants from one event of a stream: whether it brought text, what was counted, what went wrong. Read
/// without a document tree, because at thousands of events a second that would be most of the work.
/// </summary>
internal readonly record struct CompletionChunk(bool HasContent, TokenUsage? Usage, string? Error)
{
    /// <exception cref="JsonException">This is no chunk of a completion.</exception>
    public static CompletionChunk Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var chunk = default(CompletionChunk);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("an event is not a JSON object");
        }

        while (NextProperty(ref reader))
        {
            if (ValueOf(ref reader, "choices"u8))
            {
                chunk = chunk with { HasContent = ChoicesHaveContent(ref reader) };
            }
            else if (ValueOf(ref reader, "usage"u8))
            {
                chunk = chunk with { Usage = ReadUsage(ref reader) };
            }
            else if (ValueOf(ref reader, "error"u8))
            {
                chunk = chunk with { Error = ErrorMessage(ref reader) };
            }
            else
            {
                SkipValue(ref reader);
            }
        }

        return chunk;
    }

    private static bool ChoicesHaveContent(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return false;
        }

        var found = false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            found |= HasText(ref reader);
        }

        return found;
    }

    /// <summary>Of a choice or of the delta in it.</summary>
    private static bool HasText(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return false;
        }

        var found = false;
        while (NextProperty(ref reader))
        {
            if (ValueOf(ref reader, "delta"u8))
            {
                found |= HasText(ref reader);
            }
            else if (ValueOf(ref reader, "text"u8) || ValueOf(ref reader, "content"u8) || ValueOf(ref reader, "reasoning_content"u8) || ValueOf(ref reader, "reasoning"u8))
            {
                found |= reader.TokenType == JsonTokenType.String && reader.ValueSpan.Length > 0;
                reader.Skip();
            }
            else
            {
                SkipValue(ref reader);
            }
        }

        return found;
    }

    private static TokenUsage? ReadUsage(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }

        var (prompt, completion) = (0, 0);
        while (NextProperty(ref reader))
        {
            if (ValueOf(ref reader, "prompt_tokens"u8))
            {
                prompt = Count(ref reader);
            }
            else if (ValueOf(ref reader, "completion_tokens"u8))
            {
                completion = Count(ref reader);
            }
            else
            {
                SkipValue(ref reader);
            }
        }

        return new TokenUsage(prompt, completion);
    }

    private static int Count(ref Utf8JsonReader reader)
    {
        var value = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var count) ? count : 0;
        reader.Skip();
        return value;
    }

    /// <summary>An object with a message, as most send it, or just the message; null is no error.</summary>
    private static string? ErrorMessage(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            var text = reader.TokenType switch
            {
                JsonTokenType.Null => null,
                JsonTokenType.String => reader.GetString(),
                _ => "an error without a message",
            };
            reader.Skip();
            return text;
        }

        var message = "an error without a message";
        while (NextProperty(ref reader))
        {
            if (ValueOf(ref reader, "message"u8) && reader.TokenType == JsonTokenType.String)
            {
                message = reader.GetString()!;
            }
            else
            {
                SkipValue(ref reader);
            }
        }

        return message;
    }

    private static bool NextProperty(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    /// <summary>Goes on to the value when this property has the name.</summary>
    private static bool ValueOf(ref Utf8JsonReader reader, ReadOnlySpan<byte> name) =>
        reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals(name) && reader.Read();

    /// <summary>From a property's name over its value, or over the value when its name has been read.</summary>
    private static void SkipValue(ref Utf8JsonReader reader) => reader.Skip();
}
