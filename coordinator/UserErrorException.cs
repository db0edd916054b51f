namespace Pipeline.Coordinator;

/// <summary>Something the user asked for cannot be done. The message says what is wrong and what would be right; no stack trace is shown.</summary>
public sealed class UserErrorException(string message) : Exception(message);
