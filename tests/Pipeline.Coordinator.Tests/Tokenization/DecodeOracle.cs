using System.Text;
using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Tests.Tokenization;

/// <summary>Decoding of a whole sequence at once: runs of byte pieces first, then the pieces between them.</summary>
internal static class DecodeOracle
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static string Decode(SentencePieceTokenizer tokenizer, int[] ids)
    {
        var text = "";
        var dummySpaceSeen = false;
        for (var i = 0; i < ids.Length;)
        {
            var bytes = ids.Skip(i).Select(tokenizer.PieceOf).TakeWhile(IsByte).Select(piece => Convert.ToByte(piece[3..5], 16)).ToArray();
            if (bytes.Length > 0)
            {
                text += Characters(bytes);
                i += bytes.Length;
                continue;
            }

            var (id, piece) = (ids[i], tokenizer.PieceOf(ids[i++]));
            if (tokenizer.IsControl(id))
            {
                continue;
            }

            var dropsSpace = text.Length == 0 && !dummySpaceSeen && piece.StartsWith('▁');
            dummySpaceSeen |= dropsSpace;
            text += id == tokenizer.UnknownId ? " ⁇ " : piece[(dropsSpace ? 1 : 0)..].Replace('▁', ' ');
        }

        return text;
    }

    private static bool IsByte(string piece) => piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>';

    private static string Characters(byte[] bytes)
    {
        var text = "";
        for (var i = 0; i < bytes.Length;)
        {
            var length = Enumerable.Range(1, 4).FirstOrDefault(length => i + length <= bytes.Length && IsOneCharacter(bytes[i..(i + length)]));
            text += length > 0 ? Strict.GetString(bytes, i, length) : "\ufffd";
            i += Math.Max(length, 1);
        }

        return text;
    }

    private static bool IsOneCharacter(byte[] bytes)
    {
        try
        {
            return Strict.GetString(bytes).EnumerateRunes().Count() == 1;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
