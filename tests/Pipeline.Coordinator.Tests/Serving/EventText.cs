using System.Text.Json;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>A stream of events, taken apart strictly: anything that is no data line, comment or blank line fails the test.</summary>
internal static class EventText
{
    public const string Done = "[DONE]";

    /// <summary>The data of every event, in order.</summary>
    public static List<string> Data(string stream)
    {
        Assert.EndsWith("\n\n", stream, StringComparison.Ordinal);
        List<string> data = [];
        foreach (var frame in stream[..^2].Split("\n\n"))
        {
            if (frame.StartsWith(": ", StringComparison.Ordinal))
            {
                continue;
            }

            Assert.StartsWith("data: ", frame, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', frame);
            data.Add(frame["data: ".Length..]);
        }

        return data;
    }

    /// <summary>The documents of a stream that ends as it should.</summary>
    public static List<JsonElement> Documents(string stream)
    {
        var data = Data(stream);
        Assert.Equal(Done, data[^1]);
        return [.. data.SkipLast(1).Select(document => JsonDocument.Parse(document).RootElement)];
    }
}
