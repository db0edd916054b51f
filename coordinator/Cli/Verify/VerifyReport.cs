using Pipeline.Coordinator.Verification;

namespace Pipeline.Coordinator.Cli.Verify;

/// <summary>Everything <c>verify</c> has to tell; the document of <c>--json</c>.</summary>
/// <param name="Reference">What the pipelines were compared with.</param>
/// <param name="Tolerance">Of every logit; null where only the typical position is held to anything.</param>
/// <param name="TypicalTolerance">Of the median over the positions of |difference| / |expected|.</param>
internal sealed record VerifyReport(
    string Model, string Reference, int Cases, int PromptTokens, int GreedyTokens, float? Tolerance, float? TypicalTolerance, bool Passed, IReadOnlyList<PipelineComparison> Pipelines);
