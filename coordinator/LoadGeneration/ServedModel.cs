namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>A model that a server offers.</summary>
/// <param name="VocabularySize">Null when the server does not say; llama-server does.</param>
public sealed record ServedModel(string Id, int? VocabularySize);
