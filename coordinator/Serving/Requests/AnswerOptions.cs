using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>What <c>/v1/completions</c> and <c>/v1/chat/completions</c> are both asked: how to generate and how to deliver.</summary>
internal sealed record AnswerOptions
{
    /// <summary>The model by the name that the client used.</summary>
    public required string Model { get; init; }

    /// <summary>Answers to each prompt.</summary>
    public required int Choices { get; init; }

    public required SamplingParams Sampling { get; init; }

    public required bool HasSeed { get; init; }

    public required IReadOnlyList<string> StopStrings { get; init; }

    public required bool IncludeStopString { get; init; }

    public required bool IgnoreEos { get; init; }

    public required int Priority { get; init; }

    public required bool Stream { get; init; }

    /// <summary>The stream tells the usage in a frame of its own.</summary>
    public required bool IncludeUsage { get; init; }
}
