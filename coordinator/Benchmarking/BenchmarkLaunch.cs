using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>One pipeline to start, and the tests that run on it.</summary>
public sealed record BenchmarkLaunch(PipelineSettings Settings, IReadOnlyList<BenchmarkTest> Tests)
{
    /// <summary>One pipeline for all tests of a stage count: with room for the largest batch and the longest sequence.</summary>
    /// <param name="resolve">Settings for a number of sequences and the tokens of the longest.</param>
    public static BenchmarkLaunch Of(IReadOnlyList<BenchmarkTest> tests, Func<int, int, PipelineSettings> resolve)
    {
        ArgumentNullException.ThrowIfNull(tests);
        ArgumentNullException.ThrowIfNull(resolve);
        var settings = resolve(tests.Max(test => test.Batch), tests.Max(test => test.PromptLength + test.WantedTokens));
        foreach (var test in tests)
        {
            Check(test, settings);
        }

        return new BenchmarkLaunch(settings, tests);
    }

    private static void Check(BenchmarkTest test, PipelineSettings settings)
    {
        if (test.Batch > settings.MaxSequences)
        {
            throw new UserErrorException($"{test.Name} has {test.Batch} sequences at the same time, the pipeline takes {settings.MaxSequences}; raise --max-num-seqs");
        }

        var needed = test.PromptLength + test.MinimumTokens;
        if (needed > settings.MaxModelLength)
        {
            throw new UserErrorException($"{test.Name} needs {needed} positions for each sequence, the context ends at {settings.MaxModelLength}; raise --max-model-len");
        }
    }
}
