using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>
/// Puts the tests of one stage count on as few pipelines as possible. One pipeline serves them all, except on the CPU: with a
/// single microbatch one stage computes at a time and may take all cores, with more they share them, and threads are fixed when
/// a shard is loaded.
/// </summary>
public static class LaunchGroups
{
    /// <param name="resolve">Settings for a number of sequences and the tokens of the longest.</param>
    public static IReadOnlyList<BenchmarkLaunch> Of(IReadOnlyList<BenchmarkTest> tests, Func<int, int, PipelineSettings> resolve)
    {
        ArgumentNullException.ThrowIfNull(tests);
        ArgumentNullException.ThrowIfNull(resolve);
        return
        [
            .. from test in tests
               group test by ThreadsFor(resolve(test.Batch, Length(test))) into alike
               select Launch([.. alike], resolve)
        ];
    }

    private static BenchmarkLaunch Launch(IReadOnlyList<BenchmarkTest> tests, Func<int, int, PipelineSettings> resolve)
    {
        var settings = resolve(tests.Max(test => test.Batch), tests.Max(Length));
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

    private static int Length(BenchmarkTest test) => test.PromptLength + test.WantedTokens;

    private static int ThreadsFor(PipelineSettings settings) => settings.Devices.All(device => device == "cpu") ? PipelineLauncher.ThreadsPerStage(settings) : 0;
}
