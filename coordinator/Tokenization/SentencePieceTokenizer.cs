using System.Text;

namespace Pipeline.Coordinator.Tokenization;

/// <summary>
/// Text to token ids and back, id for id as SentencePiece does it: byte-pair encoding with byte fallback, as all
/// tokenizers of Mistral 7B and Mixtral use it. Immutable; shared by all requests.
/// </summary>
public sealed class SentencePieceTokenizer
{
    internal SentencePieceTokenizer(SentencePieceModel model, TokenizerVersion version)
    {
        Pieces = new PieceTable(model);
        FilePath = model.Path;
        Version = version;
    }

    public string FilePath { get; }

    public TokenizerVersion Version { get; }

    /// <summary>Ids that the tokenizer has pieces for. The model's vocabulary may reach further; such ids stand for no text.</summary>
    public int VocabularySize => Pieces.Count;

    public int BosId => Pieces.BosId;

    public int EosId => Pieces.EosId;

    /// <summary>Bytes of text that one token stands for, at most.</summary>
    public int LongestPiece => Pieces.LongestSurface;

    /// <summary>Never produced from text, which falls back to bytes.</summary>
    public int UnknownId => Pieces.UnknownId;

    internal PieceTable Pieces { get; }

    /// <param name="folderOrFile">A model's folder or the tokenizer file itself.</param>
    /// <exception cref="TokenizerException">There is no supported tokenizer, or it is damaged.</exception>
    public static SentencePieceTokenizer Load(string folderOrFile) => TokenizerFile.Locate(folderOrFile).Load();

    /// <summary>
    /// Ids of the text alone, without BOS and EOS. Names of control pieces in the text stay text. Each call adds the dummy
    /// space, so encoding two texts is not encoding their concatenation.
    /// </summary>
    public int[] Encode(string text)
    {
        if (text.Length == 0)
        {
            return [];
        }

        var escaped = ReplaceLoneSurrogates(text).Replace(' ', PieceTable.Space);
        return MergePass.Run(Pieces, Pieces.AddDummyPrefix ? PieceTable.Space + escaped : escaped);
    }

    public string Decode(IReadOnlyList<int> ids)
    {
        var detokenizer = new StreamingDetokenizer(this);
        var text = new StringBuilder();
        foreach (var id in ids)
        {
            text.Append(detokenizer.Push(id));
        }

        return text.Append(detokenizer.Flush()).ToString();
    }

    /// <summary>The piece for display: spaces as U+2581, bytes as <c>&lt;0x0A&gt;</c>, control pieces by name, nothing beyond the vocabulary.</summary>
    public string PieceOf(int id) => Pieces[id].Text;

    public bool IsControl(int id) => Pieces[id].Kind == PieceKind.Control;

    /// <summary>Id of a control piece such as <c>[INST]</c>; null when this vocabulary has none of that name.</summary>
    public int? ControlId(string name) => Pieces.TryGetControl(name, out var id) ? id : null;

    /// <summary>Half a surrogate pair has no UTF-8 form and becomes U+FFFD.</summary>
    private static string ReplaceLoneSurrogates(string text) => text.AsSpan().ContainsAnyInRange('\ud800', '\udfff')
        ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text))
        : text;
}
