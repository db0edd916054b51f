namespace Pipeline.EndToEnd.Tests.Serving.Load;

/// <summary>What an answer says.</summary>
/// <param name="Tokens">Each with its log-probability to the last digit; empty if none were asked for.</param>
internal sealed record CompletionResult(string Text, string Tokens, string FinishReason);
