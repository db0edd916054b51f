using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;

namespace Pipeline.EndToEnd.Tests.Pipelines;

/// <summary>Pipelines for tests that look below the command line.</summary>
internal static class TestPipelines
{
    /// <summary>Stages of one thread each; the layers are cut as evenly as it goes.</summary>
    public static PipelineSettings SettingsFor(string folder, int stages) =>
        SettingsFor(ModelConfigFile.Read(folder).Config, stages) with { ModelDirectory = folder, DummyWeights = false };

    /// <summary>The same with dummy weights.</summary>
    public static PipelineSettings SettingsFor(ModelConfig model, int stages) => new()
    {
        Model = model,
        ModelDirectory = "",
        DummyWeights = true,
        Plan = ShardPlan.FromLayerCounts([.. Enumerable.Range(0, stages).Select(stage => (model.LayerCount / stages) + (stage < model.LayerCount % stages ? 1 : 0))]),
        Threads = 1,
        Kernels = "torch",
        Microbatches = stages,
        MaxSequences = 8,
        MaxBatchedTokens = 64,
        MaxModelLength = 256,
        BlockSize = 16,
    };

    /// <summary>On workers of its own.</summary>
    public static Task<RunningPipeline> StartAsync(PipelineSettings settings) => StartAsync(settings, new LaunchWatch());

    /// <summary>On workers that run already, in stage order.</summary>
    public static Task<RunningPipeline> StartAsync(PipelineSettings settings, IEnumerable<WorkerProcess> workers) =>
        StartAsync(settings with { Workers = [.. workers.Select(worker => worker.Address)] });

    public static Task<RunningPipeline> StartAsync(PipelineSettings settings, ILaunchObserver observer) =>
        new PipelineLauncher(TimeProvider.System, observer).StartAsync(settings, TestContext.Current.CancellationToken);

    public static PipelineLoop LoopOf(RunningPipeline pipeline) => LoopOf(pipeline.Stage, pipeline.Settings, pipeline.Cache);

    public static PipelineLoop LoopOf(IStage stage, PipelineSettings settings, KvCacheSpec cache) => new(new Scheduler(OptionsOf(settings), cache), stage);

    private static SchedulerOptions OptionsOf(PipelineSettings settings) => new()
    {
        Epoch = new PlanEpoch(1),
        MaxSequences = settings.MaxSequences,
        MaxBatchedTokens = settings.MaxBatchedTokens,
        Microbatches = settings.Microbatches,
        MaxModelLength = settings.MaxModelLength,
        MaxWaiting = settings.MaxWaiting,
        PrefixCaching = settings.PrefixCaching,
    };
}
