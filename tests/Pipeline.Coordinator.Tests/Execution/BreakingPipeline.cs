using System.Runtime.CompilerServices;
using Pipeline.Coordinator.Tests.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Execution;

/// <summary>A pipeline of the toy model in one epoch, which breaks when it has taken some steps: those since the last results are lost.</summary>
/// <param name="steps">Steps that it answers before it breaks; null never breaks.</param>
/// <param name="namesStep">It takes another step before it tells which one failed.</param>
internal sealed class BreakingPipeline(KvCacheSpec cache, int? steps, StageError error = StageError.StageLost, bool namesStep = false) : IStage
{
    private readonly ReplayStage _stage = new(cache, sharesBlocks: true);
    private int _taken;

    /// <summary>The microbatches of this epoch.</summary>
    public List<Microbatch> Microbatches { get; } = [];

    public async IAsyncEnumerable<StageOutput> ForwardAsync(IAsyncEnumerable<StageInput> inputs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long? failed = null;
        await foreach (var input in inputs.WithCancellation(cancellationToken))
        {
            Microbatches.Add(input.Microbatch);
            if (_taken++ == steps && namesStep)
            {
                failed = input.Microbatch.Step;
                continue;
            }

            if (_taken > steps)
            {
                throw new StageException(error, "the wire was cut", 1) { Step = failed };
            }

            yield return new StageOutput(input.Microbatch, null, _stage.Forward(input.Microbatch), default);
        }
    }
}
