using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;
using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>
/// What the parser leaves to whoever asks for a string or a name, far too late for an answer that says what is wrong: that all
/// text is text.
/// </summary>
internal static class JsonText
{
    private const byte Escape = (byte)'\\';
    private const int CodeLength = 6;

    /// <summary>Some editors and shells begin UTF-8 with a byte order mark, which the parser does not take.</summary>
    public static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> body) => body.Span.StartsWith(Encoding.UTF8.Preamble) ? body[Encoding.UTF8.Preamble.Length..] : body;

    public static void RequireUtf8(ReadOnlySpan<byte> body)
    {
        if (!Utf8.IsValid(body))
        {
            throw ApiException.Invalid(null, "the body is no UTF-8; JSON in UTF-8 is wanted");
        }
    }

    /// <param name="json">Valid JSON, in which a backslash is always the beginning of an escape.</param>
    public static void RequireWholeCharacters(ReadOnlySpan<byte> json)
    {
        for (var rest = json; rest.IndexOf(Escape) is var at and >= 0;)
        {
            rest = rest[at..];
            var code = CodeOf(rest);
            var isPair = char.IsHighSurrogate(code) && char.IsLowSurrogate(CodeOf(rest[CodeLength..]));
            if (char.IsSurrogate(code) && !isPair)
            {
                throw ApiException.Invalid(null, $"the body has {Encoding.ASCII.GetString(rest[..CodeLength])}, which is half a character; both halves of the pair are wanted");
            }

            rest = rest[(isPair ? 2 * CodeLength : code == default ? 2 : CodeLength)..];
        }
    }

    /// <summary>The UTF-16 code that the text begins with as an escape; 0 if it begins with anything else.</summary>
    private static char CodeOf(ReadOnlySpan<byte> text) =>
        text is [Escape, (byte)'u', ..] && Utf8Parser.TryParse(text[2..CodeLength], out ushort code, out _, 'x') ? (char)code : default;
}
