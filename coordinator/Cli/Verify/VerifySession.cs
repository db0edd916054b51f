using Pipeline.Coordinator.Cli.Run;
using Pipeline.Coordinator.Hosting;
using Pipeline.Coordinator.Stages;
using Pipeline.Coordinator.Verification;

namespace Pipeline.Coordinator.Cli.Verify;

/// <summary>Launches one pipeline after another, has each run all cases with every size of steps, and compares what they say.</summary>
internal sealed class VerifySession(Terminal terminal, TimeProvider timeProvider)
{
    public async Task<VerifyReport> RunAsync(VerifyPlan plan, CancellationToken cancellationToken)
    {
        foreach (var note in plan.Model.Notes)
        {
            terminal.Error.WriteLine($"note: {note}");
        }

        var expected = plan.Expected is { } golden ? plan.Chunks.Select(_ => golden).ToList() : await RunOneStageAsync(plan, cancellationToken);
        var rows = new List<PipelineComparison>();
        foreach (var settings in plan.Pipelines)
        {
            await RunPipelineAsync(plan, settings, (chunk, outputs) => rows.Add(Compare(plan, settings, chunk, expected[chunk], outputs)), cancellationToken);
        }

        return new VerifyReport(
            plan.Model.Config.Name, plan.Reference, plan.Cases.Count, plan.Cases.Sum(item => item.Prompt.Count), plan.Cases.Sum(item => item.MaxTokens),
            plan.Tolerance.IsTypical ? null : plan.Tolerance.Value, plan.Tolerance.IsTypical ? plan.Tolerance.Value : null, rows.TrueForAll(row => row.Passed), rows);
    }

    private async Task<List<IReadOnlyList<CaseOutput>>> RunOneStageAsync(VerifyPlan plan, CancellationToken cancellationToken)
    {
        var outputs = new List<IReadOnlyList<CaseOutput>>();
        await RunPipelineAsync(plan, plan.OneStage, (_, output) => outputs.Add(output), cancellationToken);
        return outputs;
    }

    /// <summary>Each size of steps gets an epoch of its own, with the cache that a pipeline launched for this size has.</summary>
    private async Task RunPipelineAsync(VerifyPlan plan, PipelineSettings settings, Action<int, IReadOnlyList<CaseOutput>> take, CancellationToken cancellationToken)
    {
        await using var host = await PipelineHost.StartAsync(settings, timeProvider, new LaunchDisplay(terminal, timeProvider), cancellationToken);
        var pipeline = host.Pipeline;
        for (var chunk = 0; chunk < plan.Chunks.Count; chunk++)
        {
            await pipeline.RestartAsync(plan.Chunks[chunk].MaxBatchedTokens(plan.Cases), cancellationToken);
            var runner = new CaseRunner(pipeline.Stage, host.SchedulerOptions, pipeline.Cache, settings.Model.VocabularySize);
            take(chunk, await runner.RunAsync(plan.Cases, cancellationToken));
        }
    }

    private PipelineComparison Compare(VerifyPlan plan, PipelineSettings settings, int chunk, IReadOnlyList<CaseOutput> expected, IReadOnlyList<CaseOutput> actual)
    {
        var cases = plan.Cases.Select((item, index) => OutputComparison.Compare(item, expected[index], actual[index], plan.Tolerance)).ToList();
        var row = PipelineComparison.Of(settings.StageCount, plan.Chunks[chunk], plan.Chunks[chunk].MaxBatchedTokens(plan.Cases), settings.Microbatches, cases, plan.Tolerance);
        terminal.Error.WriteLine($"  {VerifyText.Line(row)}");
        return row;
    }
}
