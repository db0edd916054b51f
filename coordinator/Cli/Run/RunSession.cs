using Pipeline.Coordinator.Diagnostics;
using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Generation;
using Pipeline.Coordinator.Hosting;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Cli.Run;

/// <summary>One use of a pipeline from the command line: launch, generate, report, stop.</summary>
internal sealed class RunSession(Terminal terminal, TimeProvider timeProvider, bool streamsText)
{
    private static readonly TimeSpan ReportPatience = TimeSpan.FromMilliseconds(500);

    public async Task<RunReport> RunAsync(RunPlan plan, CancellationToken cancellationToken)
    {
        foreach (var note in plan.Model.Notes)
        {
            terminal.Error.WriteLine($"note: {note}");
        }

        CheckLengths(plan);
        await using var timeline = OpenTimeline(plan);
        await using var host = await PipelineHost.StartAsync(plan.Settings, timeProvider, new LaunchDisplay(terminal, timeProvider), cancellationToken);
        var (pipeline, loop) = (host.Pipeline, host.Loop);
        StageTable.WriteStart(terminal, pipeline);
        await WarmUpAsync(plan, pipeline, loop, cancellationToken);
        var clock = new GenerationClock(timeProvider, plan.Prompts.Count);
        var outputs = await GenerateAsync(plan, loop, clock, cancellationToken);
        await pipeline.Steps.WaitForAsync(loop.CompletedSteps, plan.Settings.StageCount, ReportPatience);
        var report = Report(plan, pipeline, outputs, clock);
        WriteTimeline(timeline, pipeline);
        if (streamsText)
        {
            StageTable.WriteEnd(terminal, report);
        }

        return report;
    }

    /// <summary>What is shown at the end is how the pipeline runs, not how it starts.</summary>
    private static async Task WarmUpAsync(RunPlan plan, RunningPipeline pipeline, PipelineLoop loop, CancellationToken cancellationToken)
    {
        await WarmUp.RunAsync(loop, plan.Prompts[0].Tokens[0], plan.Settings.MaxModelLength, cancellationToken);
        await pipeline.Steps.WaitForAsync(loop.CompletedSteps, plan.Settings.StageCount, ReportPatience);
        pipeline.Steps.Clear();
    }

    private static void CheckLengths(RunPlan plan)
    {
        foreach (var (prompt, index) in plan.Prompts.Select((prompt, index) => (prompt, index)))
        {
            var limit = plan.Settings.MaxModelLength;
            if (prompt.Tokens.Count + plan.MaxTokens > limit)
            {
                throw new UserErrorException(
                    $"prompt {index + 1} has {prompt.Tokens.Count} tokens and asks for {plan.MaxTokens} more, but the context ends at {limit} tokens; shorten it or lower --max-tokens");
            }
        }
    }

    private async Task<IReadOnlyList<PromptOutput>> GenerateAsync(RunPlan plan, PipelineLoop loop, GenerationClock clock, CancellationToken cancellationToken)
    {
        var service = new GenerationService(loop, plan.Model.Config, plan.Tokenizer);
        var collectors = plan.Prompts.Select((prompt, index) => new OutputCollector(prompt, index, plan.Prompts.Count)).ToList();
        clock.Begin();
        var texts = service.GenerateAll([.. collectors.Select(collector => RequestOf(plan, collector))], cancellationToken);
        var reading = collectors.Zip(texts, (collector, text) => collector.ReadAsync(text, clock, cancellationToken)).ToList();
        if (streamsText)
        {
            await new TextPresenter(terminal, plan.Tokenizer).PresentAsync(collectors, cancellationToken);
        }

        await Task.WhenAll(reading);
        return [.. collectors.Select(collector => collector.Output)];
    }

    private static GenerationRequest RequestOf(RunPlan plan, OutputCollector collector) => new()
    {
        Prompt = collector.Prompt.Tokens,
        MaxTokens = plan.MaxTokens,
        Sampling = plan.Sampling with { Seed = plan.Sampling.Seed + (ulong)collector.Index },
        StopStrings = plan.StopStrings,
        IgnoreEos = plan.IgnoreEos,
        ContinuesText = collector.Prompt.IsContinued,
        PromptLogprobs = plan.MaxTokens == 0 || plan.Sampling.Logprobs is not null,
    };

    private static RunReport Report(RunPlan plan, RunningPipeline pipeline, IReadOnlyList<PromptOutput> outputs, GenerationClock clock)
    {
        var stages = plan.Settings.StageCount;
        var decode = new PipelineSchedule(stages, Math.Min(plan.Settings.Microbatches, plan.Prompts.Count));
        var prefill = new PipelineSchedule(stages, plan.Settings.Microbatches);
        var phases = PhaseUsage.Of(pipeline.Steps.Snapshot(), stages, prefill.PrefillBubbleOf, 1 - decode.DecodeUtilization);
        return new RunReport(plan.Model.Config.Name, stages, plan.Settings.Microbatches, outputs, clock.Summarize(plan.Prompts.Sum(prompt => prompt.Tokens.Count)), phases, pipeline.Stages);
    }

    /// <summary>Before anything runs: a path that cannot be written to should not cost a whole run.</summary>
    private static FileStream? OpenTimeline(RunPlan plan)
    {
        if (Directory.Exists(plan.TimelineFile))
        {
            throw new UserErrorException($"cannot write the timeline: {plan.TimelineFile} is a directory; name a file");
        }

        try
        {
            return plan.TimelineFile is { } file ? File.Create(file) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"cannot write the timeline: {exception.Message}");
        }
    }

    private void WriteTimeline(FileStream? timeline, RunningPipeline pipeline)
    {
        if (timeline is not null)
        {
            ChromeTrace.Write(timeline, pipeline.Steps.Snapshot(), [.. pipeline.Stages.Select(stage => stage.ClockOffset)]);
            terminal.Error.WriteLine($"timeline written to {timeline.Name}; open it in ui.perfetto.dev");
        }
    }
}
