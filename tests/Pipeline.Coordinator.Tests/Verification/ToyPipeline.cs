using System.Runtime.CompilerServices;
using Pipeline.Coordinator.Tests.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Verification;

/// <summary>A pipeline of the toy model that remembers every microbatch it was sent.</summary>
internal sealed class ToyPipeline(KvCacheSpec spec, bool sharesBlocks = false) : IStage
{
    private readonly ReplayStage _stage = new(spec, sharesBlocks);

    public List<Microbatch> Microbatches { get; } = [];

    public async IAsyncEnumerable<StageOutput> ForwardAsync(IAsyncEnumerable<StageInput> inputs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var input in inputs.WithCancellation(cancellationToken))
        {
            Microbatches.Add(input.Microbatch);
            yield return new StageOutput(input.Microbatch, null, _stage.Forward(input.Microbatch), default);
        }
    }
}
