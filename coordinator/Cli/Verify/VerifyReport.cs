using Pipeline.Coordinator.Verification;

namespace Pipeline.Coordinator.Cli.Verify;

/// <summary>Everything <c>verify</c> has to tell; the document of <c>--json</c>.</summary>
/// <param name="Reference">What the pipelines were compared with.</param>
internal sealed record VerifyReport(
    string Model, string Reference, int Cases, int PromptTokens, int GreedyTokens, float Tolerance, bool Passed, IReadOnlyList<PipelineComparison> Pipelines);
