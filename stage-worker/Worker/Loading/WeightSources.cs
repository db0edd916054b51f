using Pipeline.Model.Checkpoints;
using Pipeline.Protos.V1;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.StageWorker.Loading;

/// <summary>A checkpoint folder of this host, or weights from a seed.</summary>
public sealed class WeightSources : IWeightSources
{
    public IWeightSource Open(LoadRequest request, ModelConfig config, ShardAssignment assignment, IProgress<long> progress) =>
        request.DummyWeights
            ? new DummyWeights(config, assignment, request.DummySeed, progress)
            : Checkpoint.Open(request.Directory, config, assignment, layout: null, progress);
}
