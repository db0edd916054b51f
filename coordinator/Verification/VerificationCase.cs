namespace Pipeline.Coordinator.Verification;

/// <summary>A prompt, and how many tokens to continue it by.</summary>
public sealed record VerificationCase(string Name, IReadOnlyList<int> Prompt, int MaxTokens)
{
    /// <summary>Rows of logits that a whole run yields: the last generated token never enters the pipe.</summary>
    public int Rows => Prompt.Count + Math.Max(MaxTokens - 1, 0);
}
