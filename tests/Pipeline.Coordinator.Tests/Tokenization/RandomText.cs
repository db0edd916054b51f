using System.Text;
using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Tests.Tokenization;

/// <summary>Random inputs of the awkward kinds, the same in every run.</summary>
internal sealed class RandomText(int seed)
{
    private static readonly string[] Fragments =
    [
        " ", "  ", "   ", "     ", "\n", "\n\n\n", "\t", "\r\n", "a", "aa", "aaaaa", "the", "The ", "ing", "==", "=====", "...", "0", "1234",
        "é", "ß", "日本", "の", "🙂", "👩\u200d👧", "\u0301", "\0", "\u00a0", "ﬁ", "<s>", "</s>", "[INST]", "[/INST]", "<0x0A>", "<unk>", "[REFERENCE_DOC_1]",
    ];

    private readonly Random _random = new(seed);

    /// <summary>Any characters at all, except U+2581, which stands for the space and comes back as one.</summary>
    public string AnyCharacters(int maximum)
    {
        var text = new StringBuilder();
        for (var left = _random.Next(maximum + 1); left > 0; left--)
        {
            text.Append(AnyRune());
        }

        return text.ToString();
    }

    /// <summary>Runs of spaces, words, emoji and names of control pieces.</summary>
    public string Phrases(int maximum) =>
        string.Concat(Enumerable.Range(0, _random.Next(maximum + 1)).Select(_ => Fragments[_random.Next(Fragments.Length)]));

    /// <summary>Ids in every order, byte pieces being as frequent as all others together.</summary>
    public int[] Ids(SentencePieceTokenizer tokenizer, int maximum)
    {
        int[] special = [tokenizer.UnknownId, tokenizer.BosId, tokenizer.EosId];
        return [.. Enumerable.Range(0, _random.Next(maximum + 1)).Select(_ => _random.Next(10) switch
        {
            < 3 => tokenizer.Pieces.IdOfByte((byte)_random.Next(256)),
            < 5 => tokenizer.Pieces.IdOfByte(BytesOfCharacters[_random.Next(BytesOfCharacters.Length)]),
            < 7 => special[_random.Next(special.Length)],
            _ => _random.Next(tokenizer.VocabularySize),
        })];
    }

    private static byte[] BytesOfCharacters { get; } = Encoding.UTF8.GetBytes("é日🙂");

    private Rune AnyRune()
    {
        var limit = _random.Next(4) switch { 0 => 0x80, 1 => 0x800, 2 => 0x10000, _ => 0x110000 };
        var value = _random.Next(limit);
        return Rune.IsValid(value) && value != PieceTable.Space ? new Rune(value) : new Rune(' ');
    }
}
