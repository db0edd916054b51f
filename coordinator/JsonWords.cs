using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Pipeline.Coordinator;

/// <summary>JSON that came from outside, as complaints about it tell of it.</summary>
internal static class JsonWords
{
    private const int MostShown = 60;
    private const int MostBytes = 4;

    /// <summary>The value as it stands there; of a long one the beginning.</summary>
    public static string Show(JsonElement value)
    {
        // Of a value that may be megabytes long only the beginning is made a string.
        var raw = JsonMarshal.GetRawUtf8Value(value);
        var text = Encoding.UTF8.GetString(raw[..Math.Min(raw.Length, MostShown * MostBytes)]);
        return text.Length <= MostShown ? text : $"{text[..MostShown]}...";
    }

    /// <summary>Where the text stops being JSON, counted from 1; the parser counts from 0.</summary>
    /// <param name="firstLine">Number of the line that the parsed text begins in.</param>
    public static string PlaceOf(JsonException exception, long firstLine = 1) => $"line {firstLine + exception.LineNumber}, byte {exception.BytePositionInLine + 1}";
}
