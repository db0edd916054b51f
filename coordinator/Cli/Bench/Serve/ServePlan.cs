using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary>A load test as asked for, before the server was asked anything.</summary>
internal sealed record ServePlan
{
    public required Uri BaseAddress { get; init; }

    public required string Path { get; init; }

    public CompletionEndpoint Endpoint => Path.EndsWith("/chat/completions", StringComparison.Ordinal) ? CompletionEndpoint.Chat : CompletionEndpoint.Completions;

    /// <summary>Null: the first that the server names.</summary>
    public required string? Model { get; init; }

    public required string? ApiKey { get; init; }

    /// <summary>Null: random prompts.</summary>
    public required string? DatasetPath { get; init; }

    /// <summary>Null: token ids when the server takes them, otherwise words.</summary>
    public required PromptForm? Form { get; init; }

    public required int InputTokens { get; init; }

    public required int OutputTokens { get; init; }

    public required double RangeRatio { get; init; }

    /// <summary>Null: found out.</summary>
    public required int? VocabularySize { get; init; }

    public required int Requests { get; init; }

    public required LoadSettings Settings { get; init; }

    public required RequestFields Fields { get; init; }

    public required TimeSpan Timeout { get; init; }

    public required ServiceLevel? Goodput { get; init; }

    public required IReadOnlyList<LatencyKind> Metrics { get; init; }

    public required IReadOnlyList<double> Percents { get; init; }

    public required ServeOutput Output { get; init; }

    public required string? ResultFile { get; init; }

    public required string? PlotFile { get; init; }
}
