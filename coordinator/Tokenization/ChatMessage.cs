namespace Pipeline.Coordinator.Tokenization;

/// <summary>One message of a conversation, as the user sent it.</summary>
public sealed record ChatMessage(ChatRole Role, string Content);
