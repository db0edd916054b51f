namespace Pipeline.Coordinator.Tokenization;

/// <summary>What the command <c>tokenize</c> shows: a text and the tokens it becomes.</summary>
public sealed record TokenListing(string Text, IReadOnlyList<ListedToken> Tokens)
{
    public static TokenListing Of(SentencePieceTokenizer tokenizer, string text) =>
        Of(tokenizer, text, tokenizer.Encode(text));

    /// <summary>For ids that are more than the text's own, such as a chat turn's.</summary>
    public static TokenListing Of(SentencePieceTokenizer tokenizer, string text, IReadOnlyList<int> ids) =>
        new(text, [.. ids.Select(id => new ListedToken(id, tokenizer.PieceOf(id)))]);
}
