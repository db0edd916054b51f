using System.Buffers;
using System.Text;

namespace Pipeline.Coordinator.Tokenization;

/// <summary>
/// Turns ids into text as they come. Holds back only the bytes of an unfinished character, at most three, so each id
/// costs the same however long the text is. The text of all calls together is what decoding all ids at once gives.
/// </summary>
public sealed class StreamingDetokenizer
{
    private readonly PieceTable _pieces;
    private readonly byte[] _pending = new byte[4];
    private int _pendingCount;

    // True until the dummy space has been dropped or some text was seen.
    private bool _expectsDummySpace;

    /// <summary>Starts a text of its own: the space that encoding puts in front of every text is dropped.</summary>
    public StreamingDetokenizer(SentencePieceTokenizer tokenizer)
    {
        _pieces = tokenizer.Pieces;
        _expectsDummySpace = _pieces.AddDummyPrefix;
    }

    /// <summary>Goes on behind a text already known, such as a prompt to be completed: a leading space is kept.</summary>
    public static StreamingDetokenizer After(SentencePieceTokenizer tokenizer, IReadOnlyList<int> ids)
    {
        var detokenizer = new StreamingDetokenizer(tokenizer);
        foreach (var id in ids)
        {
            detokenizer.Push(id);
        }

        return detokenizer;
    }

    /// <returns>The text that is certain now; often one word, sometimes nothing.</returns>
    public string Push(int id)
    {
        var piece = _pieces[id];
        if (piece.Kind == PieceKind.Byte)
        {
            _pending[_pendingCount++] = _pieces.ByteOf(id);
            return TakeCharacters(isLast: false);
        }

        // No character begins in bytes and ends in another piece, so what is pending now stays unfinished.
        var unfinished = Flush();
        var surface = _pieces.SurfaceOf(id);
        if (_expectsDummySpace && piece.Kind is (PieceKind.Normal or PieceKind.UserDefined) && piece.Text[0] == PieceTable.Space)
        {
            _expectsDummySpace = false;
            return surface[1..];
        }

        return Emit(unfinished + surface);
    }

    /// <summary>The end of the text: what is left of an unfinished character, as U+FFFD for each byte.</summary>
    public string Flush() => _pendingCount == 0 ? "" : TakeCharacters(isLast: true);

    private string TakeCharacters(bool isLast)
    {
        var text = new StringBuilder();
        var start = 0;
        while (start < _pendingCount)
        {
            var status = Rune.DecodeFromUtf8(_pending.AsSpan(start, _pendingCount - start), out var rune, out var length);
            if (status == OperationStatus.NeedMoreData && !isLast)
            {
                break;
            }

            // SentencePiece replaces every single byte that fits nowhere; .NET would replace a broken sequence by one mark.
            text.Append(rune);
            start += status == OperationStatus.Done ? length : 1;
        }

        _pending.AsSpan(start, _pendingCount - start).CopyTo(_pending);
        _pendingCount -= start;
        return Emit(text.ToString());
    }

    private string Emit(string text)
    {
        _expectsDummySpace &= text.Length == 0;
        return text;
    }
}
