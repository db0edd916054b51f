using System.Text;
using CsCheck;
using Pipeline.Coordinator.EventStreams;
using Pipeline.Coordinator.Tests.Scheduling;

namespace Pipeline.Coordinator.Tests.EventStreams;

public class EventStreamParserTests
{
    /// <summary>Lines that mean something to a parser, and line ends that look alike when they are cut apart.</summary>
    private static readonly Gen<string> Streams = Gen.Select(
        Gen.Bool,
        Gen.Select(
            OneOf("", "", "data: a", "data:b", "data", "data: ", "data:  two", ": ping", ":", "event: x", "id", "dat: a", "data: é€😀", "data: [DONE]", "data: {\"a\":\": \"}"),
            OneOf("\n", "\r", "\r\n")).Array[0, 24],
        OneOf("", "data: last", "\r"),
        (mark, lines, rest) => (mark ? "\uFEFF" : "") + string.Concat(lines.Select(line => line.Item1 + line.Item2)) + rest);

    [Theory]
    [InlineData("data: a\n\ndata: b\n\n", "a|b")]
    [InlineData("data: a\r\n\r\ndata: b\r\n\r\n", "a|b")]
    [InlineData("data: a\r\rdata: b\r\r", "a|b")]
    [InlineData("data: a\ndata: b\n\n", "a\nb")]
    [InlineData("data:a\n\n", "a")]
    [InlineData("data:  a\n\n", " a")]
    [InlineData("data\ndata\n\n", "\n")]
    [InlineData(": ping\n\n: ping\n\ndata: a\n\n", "a")]
    [InlineData("data: a\n: ping\ndata: b\n\n", "a\nb")]
    [InlineData("event: token\nid: 7\nretry: 10\ndata: a\n\n", "a")]
    [InlineData("event: nothing\n\ndata: a\n\n", "a")]
    [InlineData("\uFEFFdata: a\n\n", "a")]
    [InlineData("data: a", "a")]
    [InlineData("data: a\n", "a")]
    [InlineData("data: a\r", "a")]
    [InlineData("data: \uFEFF\n\n", "\uFEFF")]
    [InlineData("\n\n\n", "")]
    [InlineData("", "")]
    public void Events_OfStream_AreThese(string stream, string expected) => Assert.Equal(expected, string.Join('|', Events([Encoding.UTF8.GetBytes(stream)])));

    [Fact]
    public void Events_AnySplit_AreTheSame() => FixedSeeds.ForEach(
        Gen.Select(Streams, Gen.Int[0, 200].Array[0, 12]),
        2000,
        input =>
        {
            var bytes = Encoding.UTF8.GetBytes(input.Item1);
            var cuts = input.Item2.Select(cut => Math.Min(cut, bytes.Length)).Append(0).Append(bytes.Length).Order().ToArray();
            var pieces = cuts.Zip(cuts.Skip(1), (from, to) => bytes[from..to]);
            Assert.Equal(Events([bytes]), Events(pieces));
            Assert.Equal(Events([bytes]), Events(bytes.Select(one => new[] { one })));
        });

    /// <summary>The parser against a reader that has the whole text and cuts it with the means of the language.</summary>
    [Fact]
    public void Events_AnyStream_AreThoseOfAPlainReader() => FixedSeeds.ForEach(
        Streams, 2000, stream => Assert.Equal(PlainlyRead(stream), Events([Encoding.UTF8.GetBytes(stream)])));

    [Fact]
    public void TryRead_EventWithoutItsBlankLine_WaitsForIt()
    {
        var parser = new EventStreamParser();
        parser.Append("data: a\n"u8);
        Assert.False(parser.TryRead(out _));
        parser.Append("\n"u8);
        Assert.True(parser.TryRead(out var data));
        Assert.Equal("a", Encoding.UTF8.GetString(data));
    }

    [Fact]
    public void TryRead_CarriageReturnAtTheEnd_DoesNotWaitForWhatMayFollow()
    {
        var parser = new EventStreamParser();
        parser.Append("data: a\r\n\r"u8);
        Assert.True(parser.TryRead(out _));
        parser.Append("\ndata: b\n\n"u8);
        Assert.True(parser.TryRead(out var data));
        Assert.Equal("b", Encoding.UTF8.GetString(data));
    }

    [Fact]
    public void Comments_AreCounted()
    {
        var parser = new EventStreamParser();
        parser.Append(": ping\n\n:\ndata: a\n\n"u8);
        Assert.True(parser.TryRead(out _));
        Assert.Equal(2, parser.Comments);
    }

    [Fact]
    public void TryRead_EventLongerThanAnyBuffer_IsWhole()
    {
        var text = new string('x', 100_000);
        Assert.Equal([text, "b"], Events(Encoding.UTF8.GetBytes($"data: {text}\n\ndata: b\n\n").Chunk(777)));
    }

    private static List<string> Events(IEnumerable<byte[]> pieces)
    {
        var parser = new EventStreamParser();
        var events = new List<string>();
        foreach (var piece in pieces)
        {
            parser.Append(piece);
            ReadAll();
        }

        parser.Complete();
        ReadAll();
        return events;

        void ReadAll()
        {
            while (parser.TryRead(out var data))
            {
                events.Add(Encoding.UTF8.GetString(data));
            }
        }
    }

    private static Gen<string> OneOf(params string[] choices) => Gen.Int[0, choices.Length - 1].Select(index => choices[index]);

    private static List<string> PlainlyRead(string stream)
    {
        var events = new List<string>();
        var data = new List<string>();
        foreach (var line in $"{stream.TrimStart('\uFEFF')}\n\n".Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n', '\r'))
        {
            if (line.Length == 0 && data.Count > 0)
            {
                events.Add(string.Join('\n', data));
                data.Clear();
            }
            else if (line == "data")
            {
                data.Add("");
            }
            else if (line.StartsWith("data:", StringComparison.Ordinal))
            {
                data.Add(line.StartsWith("data: ", StringComparison.Ordinal) ? line[6..] : line[5..]);
            }
        }

        return events;
    }
}
