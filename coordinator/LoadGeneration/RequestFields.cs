namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>What every request of a run says about sampling. What is null is not sent, so that the server's own default counts.</summary>
public sealed record RequestFields
{
    public double? Temperature { get; init; }

    public double? TopP { get; init; }

    public int? TopK { get; init; }

    public double? MinP { get; init; }

    public double? RepetitionPenalty { get; init; }

    public double? FrequencyPenalty { get; init; }

    public double? PresencePenalty { get; init; }

    /// <summary>Go on after the end of text, so that every answer has the length asked for. Not every server knows it.</summary>
    public bool IgnoreEos { get; init; }
}
