namespace Pipeline.Coordinator.Cli.Run;

/// <summary>Prefill and decode apart: they are bound by different things, and one number for both would tell of neither.</summary>
internal sealed record Throughput(
    int PromptTokens, int GeneratedTokens, double PrefillSeconds, double DecodeSeconds, double PrefillTokensPerSecond, double DecodeTokensPerSecond);
