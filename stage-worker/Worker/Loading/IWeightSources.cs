using Pipeline.Model.Checkpoints;
using Pipeline.Protos.V1;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.StageWorker.Loading;

/// <summary>Opens the weights that a load asks for; each attempt opens them anew.</summary>
public interface IWeightSources
{
    IWeightSource Open(LoadRequest request, ModelConfig config, ShardAssignment assignment, IProgress<long> progress);
}
