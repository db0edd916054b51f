using System.Text;
using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Serving.Answers;

/// <summary>Single tokens as text and bytes, for log-probabilities: some are only a part of a character.</summary>
internal sealed class TokenTexts(SentencePieceTokenizer? tokenizer)
{
    public string TextOf(int token)
    {
        if (tokenizer is null)
        {
            return "";
        }

        return tokenizer.Pieces[token].Kind switch
        {
            PieceKind.Byte => $"bytes:\\x{tokenizer.Pieces.ByteOf(token):x2}",
            PieceKind.Control => tokenizer.PieceOf(token),
            _ => tokenizer.Pieces.SurfaceOf(token),
        };
    }

    public IReadOnlyList<int> BytesOf(int token) => tokenizer is not null && tokenizer.Pieces[token].Kind == PieceKind.Byte
        ? [tokenizer.Pieces.ByteOf(token)]
        : [.. Encoding.UTF8.GetBytes(TextOf(token)).Select(value => (int)value)];
}
