namespace Pipeline.Shared.Batching;

/// <summary>What the last stage does with the rows of a slice. Rows nobody asks for never meet the output head.</summary>
[Flags]
public enum LogitsRequest
{
    None = 0,

    /// <summary>Sample the next token from the last row.</summary>
    Sample = 1,

    /// <summary>Log-probability of the token that follows each row (the prompt's own next token).</summary>
    ScorePrompt = 2,

    /// <summary>The raw logits of all rows, for verification.</summary>
    Raw = 4,
}
