using Pipeline.Protos.Codec;
using Pipeline.Protos.V1;
using ElementType = Pipeline.Shared.Models.ElementType;

namespace Pipeline.Coordinator.Stages;

/// <summary>What a stage is asked to load.</summary>
internal static class LoadRequests
{
    public static LoadRequest Of(PipelineSettings settings, int stage, ElementType computeType)
    {
        var layers = settings.Plan.Shards[stage].Layers;
        return new LoadRequest
        {
            Model = ModelShapeCodec.ToWire(settings.Model),
            Directory = settings.ModelDirectory,
            DummyWeights = settings.DummyWeights,
            DummySeed = settings.DummySeed,
            StageIndex = stage,
            StageCount = settings.StageCount,
            LayerStart = layers.Start,
            LayerEnd = layers.End,
            ComputeType = ElementTypeCodec.ToWire(computeType),
            Threads = ThreadsPerStage(settings),
            Kernels = settings.Kernels,
        };
    }

    /// <summary>Stages that compute at the same time share the cores; with one microbatch only one computes at any time.</summary>
    private static int ThreadsPerStage(PipelineSettings settings) => settings.Threads > 0 || settings.Workers.Count > 0
        ? settings.Threads
        : Math.Max(1, Environment.ProcessorCount / Math.Min(settings.StageCount, settings.Microbatches));
}
