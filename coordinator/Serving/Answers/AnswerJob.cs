using Pipeline.Coordinator.Generation;

namespace Pipeline.Coordinator.Serving.Answers;

/// <summary>One HTTP request on its way: what to generate, a generation for each answer, and how to deliver it.</summary>
internal sealed record AnswerJob
{
    public required IReadOnlyList<GenerationRequest> Requests { get; init; }

    public required IAnswerFormat Format { get; init; }

    /// <summary>Tokens of all prompts, each counted once.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>That many neighbours among the requests have one prompt.</summary>
    public required int AnswersPerPrompt { get; init; }

    public required bool Stream { get; init; }

    /// <summary>The stream ends with a frame that tells the usage.</summary>
    public required bool IncludeUsage { get; init; }
}
