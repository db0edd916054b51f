using System.Globalization;
using System.Text;

namespace Pipeline.Coordinator.Tokenization;

/// <summary>
/// The vocabulary in both directions. What text may become (pieces, bytes) and what only a program may put in (control
/// names) are looked up in separate tables, so no text can ever yield a control id.
/// </summary>
internal sealed class PieceTable
{
    /// <summary>Stands for a space inside pieces.</summary>
    public const char Space = '\u2581';

    // The model may have rows for more ids than there are pieces: tokens added later, or padding. Text neither yields nor shows them.
    private static readonly SentencePiece BeyondTheFile = new("", 0, PieceKind.Control);

    private readonly SentencePieceModel _model;
    private readonly Dictionary<string, int> _textIds = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _textIdsBySpan;
    private readonly Dictionary<string, int> _controlIds = new(StringComparer.Ordinal);
    private readonly Dictionary<int, byte> _bytes = [];
    private readonly int[] _byteIds = new int[256];
    private readonly string[] _userDefined;
    private readonly string[] _surfaces;

    public PieceTable(SentencePieceModel model)
    {
        _model = model;
        _textIdsBySpan = _textIds.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            Add(id, model.Pieces[id]);
        }

        if (_bytes.Count != 256)
        {
            throw new TokenizerException(
                $"the tokenizer {model.Path} has {_bytes.Count} byte pieces; byte fallback needs all 256, from <0x00> to <0xFF>");
        }

        _surfaces = [.. model.Pieces.Select(piece => Surface(piece))];
        _userDefined = [.. model.Pieces.Where(piece => piece.Kind == PieceKind.UserDefined).Select(piece => piece.Text).OrderByDescending(text => text.Length)];
        LongestSurface = _textIds.Values.Select(id => Encoding.UTF8.GetByteCount(_surfaces[id])).Append(1).Max();
        UnknownId = IndexOfUnknown();
        BosId = RequiredControl("<s>");
        EosId = RequiredControl("</s>");
    }

    public int Count => _model.Pieces.Count;

    public bool AddDummyPrefix => _model.AddDummyPrefix;

    public int UnknownId { get; }

    /// <summary>Bytes in UTF-8 of the longest piece that text may become; a byte piece stands for one.</summary>
    public int LongestSurface { get; }

    public int BosId { get; }

    public int EosId { get; }

    /// <summary>The piece as the file has it; a nameless control piece for ids that it does not reach.</summary>
    public SentencePiece this[int id] => id < Count ? _model.Pieces[id] : BeyondTheFile;

    /// <summary>What the piece adds to decoded text, its spaces being real ones; nothing for control and byte pieces.</summary>
    public string SurfaceOf(int id) => id < Count ? _surfaces[id] : "";

    public byte ByteOf(int id) => _bytes[id];

    public int IdOfByte(byte value) => _byteIds[value];

    public bool TryGetControl(string name, out int id) => _controlIds.TryGetValue(name, out id);

    /// <summary>Finds the piece, normal or user-defined, that has exactly this text.</summary>
    public bool TryGetText(ReadOnlySpan<char> text, out int id) => _textIdsBySpan.TryGetValue(text, out id);

    /// <summary>Length of the longest user-defined piece that the text begins with; 0 if there is none.</summary>
    public int UserDefinedPrefix(ReadOnlySpan<char> text)
    {
        foreach (var piece in _userDefined)
        {
            if (text.StartsWith(piece, StringComparison.Ordinal))
            {
                return piece.Length;
            }
        }

        return 0;
    }

    private void Add(int id, SentencePiece piece)
    {
        var isNew = piece.Kind switch
        {
            PieceKind.Normal or PieceKind.UserDefined => piece.Text.Length > 0 && _textIds.TryAdd(piece.Text, id),
            PieceKind.Control => piece.Text.Length > 0 && _controlIds.TryAdd(piece.Text, id),
            PieceKind.Byte => TryAddByte(id, piece.Text),
            PieceKind.Unknown => true,
            _ => false,
        };
        if (!isNew)
        {
            throw new TokenizerException($"piece {id} of the tokenizer {_model.Path} ('{piece.Text}', kind {piece.Kind}) is a duplicate, malformed or of an unsupported kind");
        }
    }

    private bool TryAddByte(int id, string text)
    {
        var wellFormed = text is ['<', '0', 'x', _, _, '>'];
        if (!wellFormed || !byte.TryParse(text.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) || _bytes.ContainsValue(value))
        {
            return false;
        }

        _bytes.Add(id, value);
        _byteIds[value] = id;
        return true;
    }

    private string Surface(SentencePiece piece) => piece.Kind switch
    {
        PieceKind.Normal or PieceKind.UserDefined => piece.Text.Replace(Space, ' '),
        PieceKind.Unknown => _model.UnknownSurface,
        _ => "",
    };

    private int IndexOfUnknown()
    {
        var ids = Enumerable.Range(0, Count).Where(id => _model.Pieces[id].Kind == PieceKind.Unknown).ToArray();
        return ids.Length == 1
            ? ids[0]
            : throw new TokenizerException($"the tokenizer {_model.Path} has {ids.Length} pieces of kind unknown; it must have exactly one");
    }

    private int RequiredControl(string name) => TryGetControl(name, out var id)
        ? id
        : throw new TokenizerException($"the tokenizer {_model.Path} has no control piece {name}");
}
