namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>The two ways to ask an OpenAI-compatible server for text.</summary>
public enum CompletionEndpoint
{
    Completions,
    Chat,
}
