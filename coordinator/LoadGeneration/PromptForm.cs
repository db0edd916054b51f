namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>What the prompts of a run are.</summary>
public enum PromptForm
{
    /// <summary>Random token ids: exactly as long as asked for.</summary>
    TokenIds,

    /// <summary>Random words, about one token each: the server's count is what is reported.</summary>
    Words,

    /// <summary>Text out of a file.</summary>
    Text,
}
