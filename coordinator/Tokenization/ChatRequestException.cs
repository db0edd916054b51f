namespace Pipeline.Coordinator.Tokenization;

/// <summary>A conversation breaks the rules of its chat format. The message says which message and what would be right.</summary>
public sealed class ChatRequestException(string message) : Exception(message);
