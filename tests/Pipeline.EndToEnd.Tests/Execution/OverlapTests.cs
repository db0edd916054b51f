using System.Diagnostics;
using Pipeline.Coordinator.Diagnostics;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;
using Pipeline.EndToEnd.Tests.Cli;
using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit.Stages;

namespace Pipeline.EndToEnd.Tests.Execution;

/// <summary>
/// Four stages that sleep instead of computing, under the product's own scheduler and loop: that stages work at the same time
/// is seen in wall time, in the shares of busy time and in the trace, on any machine.
/// </summary>
public sealed class OverlapTests
{
    private const int Stages = 4;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    [Fact]
    public async Task Prefill_OfMMicrobatches_TakesMPlusSMinusOneTicks()
    {
        int[] counts = [1, 2, 4, 8, 16];
        List<double> ticks = [];
        foreach (var microbatches in counts)
        {
            ticks.Add((await MeasureAsync(microbatches, tokens: 1)).Wall / Tick);
        }

        // Sleeping is never shorter than asked for, and a serial pipeline would take M * S ticks: 64 instead of 19 at the end.
        foreach (var (microbatches, measured) in counts.Zip(ticks))
        {
            var predicted = new PipelineSchedule(Stages, microbatches).PrefillTicks;
            Assert.InRange(measured, predicted, 1.5 * predicted);
        }

        Assert.InRange(ticks[^1] / ticks[0], 19.0 / 4 / 1.3, 19.0 / 4 * 1.3);
    }

    [Theory]
    [InlineData(1, 0.25)]
    [InlineData(2, 0.5)]
    [InlineData(4, 1.0)]
    [InlineData(8, 1.0)]
    public async Task Decode_WithMMicrobatches_KeepsTheStagesAsBusyAsPredicted(int microbatches, double predicted)
    {
        var run = await MeasureAsync(microbatches, tokens: 12);

        var decode = PhaseUsage.Of(run.Steps.Snapshot(), Stages, _ => 0, 0).Single(phase => phase.Phase == "decode");
        Assert.Equal(predicted, new PipelineSchedule(Stages, microbatches).DecodeUtilization);
        Assert.All(decode.Stages, stage => Assert.InRange(stage.BusyShare, 0.85 * predicted, 1.05 * predicted));
    }

    [Fact]
    public async Task Trace_OfFourMicrobatches_ShowsEveryPairOfStagesBusyAtOnce()
    {
        var run = await MeasureAsync(microbatches: 4, tokens: 8);
        using var file = new TemporaryFile("");
        using (var output = File.Create(file.Path))
        {
            ChromeTrace.Write(output, run.Steps.Snapshot(), new long[Stages]);
        }

        var timeline = Timeline.Read(file.Path);

        Assert.Equal(Stages, timeline.Stages.Count);
        Assert.True(timeline.OverlapOf(0, 1) > Tick);
        Assert.True(timeline.OverlapOf(1, 2) > Tick);
        Assert.True(timeline.OverlapOf(0, 3) > Tick);
    }

    [Fact]
    public async Task Trace_OfOneMicrobatch_ShowsOneStageBusyAtATime()
    {
        var run = await MeasureAsync(microbatches: 1, tokens: 3);

        var reports = run.Steps.Snapshot().OrderBy(report => report.Started).ToList();

        Assert.All(reports.Zip(reports.Skip(1)), pair => Assert.True(pair.Second.Started >= pair.First.Finished));
    }

    /// <summary>As many one-chunk prompts as microbatches, each continued by some tokens.</summary>
    private static async Task<(TimeSpan Wall, StepLog Steps)> MeasureAsync(int microbatches, int tokens)
    {
        var steps = new StepLog();
        var plan = ShardPlan.FromLayerCounts([1, 1, 1, 1]);
        var pipeline = new StageChain([.. plan.Shards.Select(shard => new SleepingStage(shard, Tick, TimeProvider.System, report => steps.Add([report])))]);
        var settings = TestPipelines.SettingsFor(TestModels.Wide, stages: 2) with { Microbatches = microbatches, MaxSequences = microbatches };
        await using var loop = TestPipelines.LoopOf(pipeline, settings, new KvCacheSpec(16, [new KvCacheGroup(null, 16, 16 * microbatches)]));
        var watch = Stopwatch.StartNew();
        var requests = Enumerable.Range(0, microbatches).Select(number => new SequenceRequest { Prompt = [number, number + 1, number + 2], MaxTokens = tokens });
        var results = await GeneratedSequence.RunAsync(loop, requests);
        var wall = watch.Elapsed;
        Assert.All(results, result => Assert.Equal(tokens, result.Tokens.Count));
        await steps.WaitForAsync(loop.CompletedSteps, Stages, TimeSpan.FromSeconds(1));
        return (wall, steps);
    }
}
