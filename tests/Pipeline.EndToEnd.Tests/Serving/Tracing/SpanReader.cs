using Google.Protobuf;

namespace Pipeline.EndToEnd.Tests.Serving.Tracing;

/// <summary>Reads the spans out of an OTLP export request: the few fields of its messages that the tests look at.</summary>
internal static class SpanReader
{
    // ExportTraceServiceRequest.resource_spans, ResourceSpans.scope_spans and ScopeSpans.spans.
    private static readonly int[] PathToSpans = [1, 2, 2];

    public static IReadOnlyList<ReceivedSpan> Read(byte[] request)
    {
        List<byte[]> messages = [request];
        foreach (var field in PathToSpans)
        {
            messages = [.. messages.SelectMany(Fields).Where(found => found.Field == field).Select(found => found.Bytes)];
        }

        return [.. messages.Select(Span)];
    }

    private static ReceivedSpan Span(byte[] message)
    {
        var fields = Fields(message).ToList();
        return new ReceivedSpan(
            Hex(1),
            Hex(2),
            Hex(4),
            System.Text.Encoding.UTF8.GetString(fields.Single(found => found.Field == 5).Bytes),
            fields.Single(found => found.Field == 7).Number,
            fields.Single(found => found.Field == 8).Number,
            fields.Where(found => found.Field == 9).Select(found => Attribute(found.Bytes)).OfType<(string, long)>().ToDictionary(pair => pair.Item1, pair => pair.Item2));

        string Hex(int number) => Convert.ToHexStringLower(fields.Where(found => found.Field == number).Select(found => found.Bytes).SingleOrDefault([]));
    }

    /// <summary>Name and value of an attribute that is a whole number.</summary>
    private static (string, long)? Attribute(byte[] message)
    {
        var fields = Fields(message).ToDictionary(found => found.Field, found => found.Bytes);
        var numbers = Fields(fields[2]).Where(found => found.Field == 3).ToList();
        return numbers.Count == 0 ? null : (System.Text.Encoding.UTF8.GetString(fields[1]), (long)numbers[0].Number);
    }

    private static IEnumerable<(int Field, byte[] Bytes, ulong Number)> Fields(byte[] message)
    {
        var found = new List<(int, byte[], ulong)>();
        using var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
        {
            var field = WireFormat.GetTagFieldNumber(tag);
            switch (WireFormat.GetTagWireType(tag))
            {
                case WireFormat.WireType.LengthDelimited:
                    found.Add((field, input.ReadBytes().ToByteArray(), 0));
                    break;
                case WireFormat.WireType.Fixed64:
                    found.Add((field, [], input.ReadFixed64()));
                    break;
                case WireFormat.WireType.Varint:
                    found.Add((field, [], input.ReadUInt64()));
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return found;
    }
}
