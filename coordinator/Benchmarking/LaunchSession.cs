using System.Globalization;
using Pipeline.Coordinator.Diagnostics;
using Pipeline.Coordinator.Hosting;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>One pipeline from its launch to its end, with all the tests that run on it.</summary>
public sealed class LaunchSession(BenchmarkSettings settings, TimeProvider timeProvider, ILaunchObserver observer, Action<string> tell)
{
    public async Task<(PipelineSummary Pipeline, IReadOnlyList<BenchmarkResult> Results)> RunAsync(BenchmarkLaunch launch, CancellationToken cancellationToken)
    {
        await using var host = await PipelineHost.StartAsync(launch.Settings, timeProvider, observer, cancellationToken);
        var pipeline = host.Pipeline;
        CheckCache(pipeline, launch.Tests);
        var runner = new TestRunner(pipeline, host.Loop, timeProvider);
        List<BenchmarkResult> results = [];
        foreach (var test in launch.Tests)
        {
            results.Add(await MeasureAsync(pipeline, runner, test, cancellationToken));
        }

        return (PipelineSummary.Of(pipeline), results);
    }

    /// <summary>A batch that does not fit would be computed in turns and again, and the numbers would tell of something else.</summary>
    private static void CheckCache(RunningPipeline pipeline, IReadOnlyList<BenchmarkTest> tests)
    {
        var cache = pipeline.Cache;
        foreach (var test in tests)
        {
            var length = test.PromptLength + test.WantedTokensWithin(pipeline.Settings.MaxModelLength);
            for (var group = 0; group < cache.Groups.Count; group++)
            {
                var (needed, blocks) = ((long)cache.BlocksFor(group, length) * test.Batch, cache.Groups[group].BlockCount);
                if (needed > blocks)
                {
                    throw new UserErrorException(
                        $"{test.Name} on {pipeline.Settings.StageCount} stage(s) needs {needed} cache blocks of {cache.BlockSize} tokens at the same time, memory allows {blocks}; test a smaller batch, fewer tokens or more stages");
                }
            }
        }
    }

    private async Task<BenchmarkResult> MeasureAsync(RunningPipeline pipeline, TestRunner runner, BenchmarkTest test, CancellationToken cancellationToken)
    {
        // Apart, so that measured repetitions see the same tokens, and visit the same experts, however long warming up takes.
        var vocabulary = pipeline.Settings.Model.VocabularySize;
        var warmUps = await WarmUpAsync(runner, test, new RandomPrompts(~settings.Seed, vocabulary), cancellationToken);
        var prompts = new RandomPrompts(settings.Seed, vocabulary);
        List<Repetition> repetitions = [];
        while (repetitions.Count < settings.Repetitions)
        {
            repetitions.Add(await runner.RunAsync(test, prompts.Next(test.Batch, test.PromptLength), cancellationToken));
        }

        var result = ResultOf(pipeline, test, warmUps, repetitions);
        tell(string.Create(
            CultureInfo.InvariantCulture,
            $"  {test.Name,-20} {result.TokensPerSecond.Mean,10:F2} ± {result.TokensPerSecond.StandardDeviation:F2} t/s ({warmUps} warm-up, {repetitions.Count} measured)"));
        return result;
    }

    private async Task<int> WarmUpAsync(TestRunner runner, BenchmarkTest test, RandomPrompts prompts, CancellationToken cancellationToken)
    {
        var rule = new WarmUpRule(settings.WarmUps);
        var began = timeProvider.GetTimestamp();
        List<double> rates = [];
        while (!rule.IsOver(rates, timeProvider.GetElapsedTime(began)))
        {
            rates.Add((await runner.RunAsync(test, prompts.Next(test.Batch, test.PromptLength), cancellationToken)).Timing.TokensPerSecond);
        }

        return rates.Count;
    }

    private BenchmarkResult ResultOf(RunningPipeline pipeline, BenchmarkTest test, int warmUps, IReadOnlyList<Repetition> repetitions)
    {
        var samples = repetitions.Select(repetition => repetition.Timing.TokensPerSecond).ToList();
        var usages = repetitions.Select(repetition => repetition.Usage).OfType<PhaseUsage>().ToList();
        var latency = Distribution.Of([.. repetitions.SelectMany(repetition => repetition.Timing.LatencyMilliseconds)]);
        var pieces = test.Kind == TestKind.Decode ? test.Batch : usages.Select(usage => usage.Steps).DefaultIfEmpty(1).Max();
        var microbatches = (int)Math.Min(pipeline.Settings.Microbatches, pieces);
        var first = pipeline.Stages[0];
        var result = new BenchmarkResult
        {
            Test = test.Name,
            Definition = test,
            Device = first.Device.Split(':')[0],
            Kernels = first.Kernels,
            ComputeType = pipeline.Settings.ComputeType,
            Stages = pipeline.Settings.StageCount,
            Microbatches = microbatches,
            Threads = first.Threads,
            TokensPerSecond = SampleStatistics.Of(samples),
            Samples = samples,
            WarmUps = warmUps,
            TimeToFirstTokenMilliseconds = test.Kind == TestKind.Prefill ? latency : null,
            TokenIntervalMilliseconds = test.Kind == TestKind.Decode ? latency : null,
            BubbleMeasured = usages.Count == 0 ? null : usages.Average(usage => usage.BubbleShare),
            BubblePredicted = usages.Count == 0 ? null : usages.Average(usage => usage.PredictedBubbleShare),
            HopMicroseconds = Distribution.Of([.. repetitions.SelectMany(repetition => repetition.HopMicroseconds)]),
            CoordinatorMicroseconds = Distribution.Of([.. repetitions.SelectMany(repetition => repetition.CoordinatorMicroseconds)]),
        };
        return test.Kind == TestKind.Decode ? WithTraffic(result, pipeline) : result;
    }

    private BenchmarkResult WithTraffic(BenchmarkResult result, RunningPipeline pipeline)
    {
        var test = result.Definition;
        var traffic = new DecodeTraffic(pipeline.Settings.Model, pipeline.Settings.ComputeType);
        var bytes = traffic.RoundBytes(test.Batch, result.Microbatches, traffic.MeanCacheBytes(test));
        var gigabytes = bytes * (result.TokensPerSecond.Mean / test.Batch) / 1e9;
        return result with
        {
            ReadGigabytesPerSecond = gigabytes,
            ShareOfBound = settings.BandwidthGigabytes is { } bandwidth ? gigabytes / (bandwidth * DeviceSharing.CountDevices(pipeline.Stages)) : null,
        };
    }
}
