namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>Tokens that a request cost. A prompt counts once, however many answers were made of it.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokensDetails PromptTokensDetails)
{
    public static Usage Of(int prompt, int cached, int completion) => new(prompt, completion, prompt + completion, new PromptTokensDetails(cached));
}
