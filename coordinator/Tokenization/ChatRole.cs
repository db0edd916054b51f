namespace Pipeline.Coordinator.Tokenization;

/// <summary>Who speaks in a message of a conversation.</summary>
public enum ChatRole
{
    System,
    User,
    Assistant,

    /// <summary>Known so that it can be refused by name: conversations are text only.</summary>
    Tool,
}
