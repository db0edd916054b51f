namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>One request to make: text or token ids, and how much to generate.</summary>
public sealed record LoadPrompt(string? Text, int[]? TokenIds, int OutputTokens)
{
    /// <summary>What the prompt amounts to when the server does not say: ids, or words.</summary>
    public int EstimatedTokens => TokenIds?.Length ?? Text!.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
}
