using System.Text.Json;

namespace Pipeline.Shared.Models;

/// <summary>Says where a JSON file is broken, counting lines and columns from 1 as editors do.</summary>
public static class JsonErrorText
{
    public static string Of(JsonException error)
    {
        // The reader adds its own position, counted from 0, to its message.
        var reason = error.Message.Split(" LineNumber:", 2)[0];
        return error.LineNumber is { } line ? $"line {line + 1}, column {error.BytePositionInLine + 1}: {reason}" : reason;
    }
}
