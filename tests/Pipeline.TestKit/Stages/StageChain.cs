using System.Runtime.CompilerServices;
using Pipeline.Shared.Stages;

namespace Pipeline.TestKit.Stages;

/// <summary>Stages of this process as one: the outputs of each are the inputs of the next.</summary>
public sealed class StageChain(IReadOnlyList<IStage> stages) : IStage
{
    public IAsyncEnumerable<StageOutput> ForwardAsync(IAsyncEnumerable<StageInput> inputs, CancellationToken cancellationToken)
    {
        var outputs = stages[0].ForwardAsync(inputs, cancellationToken);
        foreach (var stage in stages.Skip(1))
        {
            outputs = stage.ForwardAsync(PassOnAsync(outputs, cancellationToken), cancellationToken);
        }

        return outputs;
    }

    private static async IAsyncEnumerable<StageInput> PassOnAsync(IAsyncEnumerable<StageOutput> outputs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var output in outputs.WithCancellation(cancellationToken))
        {
            yield return new StageInput(output.Microbatch, output.Hidden);
        }
    }
}
