namespace Pipeline.Coordinator.Benchmarking;

/// <summary>What a test measures. The two are bound by different things, so no test measures both.</summary>
public enum TestKind
{
    /// <summary>Prompts, until each has its first token.</summary>
    Prefill,

    /// <summary>Tokens after the first, one at a time.</summary>
    Decode,
}
