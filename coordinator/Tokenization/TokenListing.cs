namespace Pipeline.Coordinator.Tokenization;

/// <summary>What the command <c>tokenize</c> shows: a text and the tokens it becomes.</summary>
public sealed record TokenListing(string Text, IReadOnlyList<ListedToken> Tokens)
{
    public static TokenListing Of(SentencePieceTokenizer tokenizer, string text) =>
        new(text, [.. tokenizer.Encode(text).Select(id => new ListedToken(id, tokenizer.PieceOf(id)))]);
}
