using System.Diagnostics;
using Pipeline.Coordinator.Execution;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Serving.Tracing;

/// <summary>
/// Spans for what the stages did for a request: one for each stage and step. Steps are noted when they are sent, and become
/// spans when the stages' reports come, which may be after the request's own span has ended. Thread-safe.
/// </summary>
internal sealed class StepTracing(TimeProvider timeProvider)
{
    // A long answer is the same step over and over: its beginning tells, and a trace has to stay readable.
    private const int StepsPerSequence = 128;

    // Reports come within a fraction of a second, so whatever is older than this many will not be told any more.
    private const int RememberedSteps = 2048;
    private const int RememberedSequences = 4096;

    private readonly Lock _lock = new();
    private readonly RecentEntries<SequenceId, TracedSequence> _sequences = new(RememberedSequences);
    private readonly RecentEntries<(long Epoch, long Step), IReadOnlyList<SequenceId>> _steps = new(RememberedSteps);

    private PipelineLoop? _followed;

    /// <summary>Nothing is noted of a pipeline whose traces nobody wants. Called for every epoch, each of which counts its steps anew.</summary>
    public void Follow(ServingPipeline pipeline)
    {
        if (PipelineTraces.Source.HasListeners())
        {
            var offsets = pipeline.Stages.Select(stage => stage.ClockOffset).ToArray();
            if (_followed != pipeline.Loop)
            {
                _followed = pipeline.Loop;
                pipeline.Loop.Sent += Note;
            }

            pipeline.Steps.Added += reports => Tell(pipeline.Epoch, reports, offsets);
        }
    }

    /// <summary>What makes a sequence a part of the trace of the request that is being served; null if it is not recorded.</summary>
    public Action<SequenceId>? ForCurrentRequest()
    {
        if (PipelineTraces.CurrentRequest is not { } request)
        {
            return null;
        }

        var context = request.Context;
        return sequence =>
        {
            lock (_lock)
            {
                _sequences.Set(sequence, new TracedSequence(context));
            }
        };
    }

    /// <summary>Whose steps are wanted is asked later, when the reports come.</summary>
    private void Note(Microbatch microbatch)
    {
        lock (_lock)
        {
            _steps.Set((microbatch.Epoch.Value, microbatch.Step), [.. microbatch.Slices.Select(slice => slice.Sequence)]);
        }
    }

    private void Tell(long epoch, IReadOnlyList<StepReport> reports, long[] offsets)
    {
        var clock = new WallClock(timeProvider);
        foreach (var report in reports)
        {
            foreach (var request in RequestsOf(epoch, report))
            {
                Tell(report, request, clock, offsets[report.StageIndex]);
            }
        }
    }

    private List<ActivityContext> RequestsOf(long epoch, StepReport report)
    {
        lock (_lock)
        {
            // Answers of one request that travel together are one step of it.
            return [.. (_steps.Find((epoch, report.Step)) ?? []).Select(_sequences.Find).OfType<TracedSequence>()
                .Where(sequence => sequence.Takes((epoch, report.Step), StepsPerSequence)).Select(sequence => sequence.Request).Distinct()];
        }
    }

    private static void Tell(StepReport report, ActivityContext request, WallClock clock, long offset)
    {
        using var span = PipelineTraces.Source.StartActivity(
            $"stage {report.StageIndex}",
            ActivityKind.Internal,
            request,
            [
                new("pipeline.stage", report.StageIndex),
                new("pipeline.step", report.Step),
                new("pipeline.microbatch", report.Microbatch.Value),
                new("pipeline.tokens", report.Tokens),
                new("pipeline.sequences", report.Sequences),
                new("pipeline.waited_us", Math.Max(0, report.Started - report.Received) / 1000),
                new("pipeline.sending_us", Math.Max(0, report.Sent - report.Finished) / 1000),
            ],
            startTime: clock.At(report.Started + offset));
        span?.SetEndTime(clock.At(report.Finished + offset).UtcDateTime);
    }
}
