using Pipeline.Coordinator.Diagnostics;
using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>Runs single repetitions of tests on a pipeline that nobody else uses.</summary>
public sealed class TestRunner(RunningPipeline pipeline, PipelineLoop loop, TimeProvider timeProvider)
{
    private static readonly TimeSpan ReportPatience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(1);

    private readonly int _stages = pipeline.Settings.StageCount;

    /// <summary>Stages on this host read the coordinator's clock; others were compared with it when they were reached.</summary>
    private readonly long[] _clockOffsets = [.. pipeline.Stages.Select(stage => pipeline.Settings.Workers.Count == 0 ? 0 : stage.ClockOffset)];

    public async Task<Repetition> RunAsync(BenchmarkTest test, IReadOnlyList<int[]> prompts, CancellationToken cancellationToken)
    {
        pipeline.Steps.Clear();
        var arrivals = new TokenArrivals(timeProvider, test.Batch, test.Kind == TestKind.Decode ? test.MeasuredTokens : 0);
        await GenerateAsync(test, prompts, arrivals, cancellationToken);
        while (!loop.IsIdle)
        {
            await Task.Delay(PollInterval, timeProvider, cancellationToken);
        }

        await pipeline.Steps.WaitForAsync(loop.CompletedSteps, _stages, ReportPatience);
        var times = arrivals.Snapshot();
        return Describe(test, test.Kind == TestKind.Prefill ? times.Prefill(test.MeasuredTokens) : times.Decode(test.MeasuredTokens));
    }

    /// <summary>Until enough tokens are there; what would come after them is cancelled.</summary>
    private async Task GenerateAsync(BenchmarkTest test, IReadOnlyList<int[]> prompts, TokenArrivals arrivals, CancellationToken cancellationToken)
    {
        var requests = prompts.Select(prompt => RequestOf(test, prompt)).ToList();
        arrivals.Begin();
        var feeds = loop.SubmitAll(requests);
        var reading = Task.WhenAll(feeds.Select((feed, sequence) => ReadAsync(test, feed, sequence, arrivals)));
        try
        {
            await Task.WhenAny(arrivals.Enough, reading).WaitAsync(cancellationToken);
        }
        finally
        {
            foreach (var feed in feeds)
            {
                loop.Cancel(feed.Id);
            }
        }

        await reading;
    }

    private SequenceRequest RequestOf(BenchmarkTest test, int[] prompt) => new()
    {
        Prompt = prompt,
        MaxTokens = test.WantedTokensWithin(pipeline.Settings.MaxModelLength),
        Sampling = new SamplingParams { Temperature = 0 },
        IgnoreEos = true,
    };

    private static async Task ReadAsync(BenchmarkTest test, SequenceFeed feed, int sequence, TokenArrivals arrivals)
    {
        await foreach (var update in feed.Updates.ReadAllAsync(CancellationToken.None))
        {
            if (update.Token is not null)
            {
                arrivals.Add(sequence);
            }

            if (update.FinishReason == FinishReason.Length && test.Kind == TestKind.Decode && !arrivals.Enough.IsCompleted)
            {
                throw new UserErrorException(
                    $"{test.Name}: a sequence ended before all {test.Batch} had generated {test.Tokens} tokens side by side; raise --max-num-batched-tokens or --max-model-len, or test a smaller batch");
            }
        }
    }

    private Repetition Describe(BenchmarkTest test, Timing timing)
    {
        var steps = StepWindow.Of(pipeline.Steps.Snapshot(), _clockOffsets, timing.From, timing.To);
        var decode = new PipelineSchedule(_stages, Math.Min(pipeline.Settings.Microbatches, test.Batch));
        var prefill = new PipelineSchedule(_stages, pipeline.Settings.Microbatches);
        var phases = PhaseUsage.Of(steps, _stages, prefill.PrefillBubbleOf, 1 - decode.DecodeUtilization);
        return new Repetition(
            timing,
            phases.Count > 0 ? phases[0] : null,
            HopTimes.BetweenStages(steps),
            test.Kind == TestKind.Decode ? HopTimes.ThroughCoordinator(steps, _stages) : []);
    }
}
