using Pipeline.Model.Caching;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Batching;

namespace Pipeline.Model.Layers;

/// <summary>A step as a plain sequence of operations, each of which the host may wait for.</summary>
internal static class PlainStep
{
    public static ShardOutput Run(IKernelSet kernels, ShardBody body, StepLayout layout, HiddenStates? hidden)
    {
        var residual = hidden is null ? body.Embed(layout) : HiddenStatesTensor.ToTensor(hidden, kernels.Device); // [rows, hidden]
        var delta = body.ForwardLayers(residual, layout);
        if (body.Head is { } head)
        {
            return new ShardOutput(null, SliceScorer.Score(head, residual, delta, layout));
        }

        if (delta is not null)
        {
            residual.add_(delta, Scalars.One);
        }

        return new ShardOutput(HiddenStatesTensor.FromTensor(residual, kernels.ElementType), null);
    }
}
