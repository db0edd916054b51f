namespace Pipeline.Model.CpuKernels;

/// <summary>
/// Intermediate results of the kernels of one <see cref="KernelThreads"/>, kept from call to call so that a step allocates
/// nothing. One call uses it at a time.
/// </summary>
internal sealed class KernelScratch : IDisposable
{
    /// <summary>Input rows of a <see cref="PackedLinear"/> in tile order.</summary>
    public NativeBuffer PackedRows { get; } = new();

    /// <summary>Row tiles of <see cref="PagedAttention"/> (ints).</summary>
    public NativeBuffer AttentionTiles { get; } = new();

    /// <summary>Routing of a <see cref="MoeFeedForward"/>: logits, weights, and ids and slots (ints).</summary>
    public NativeBuffer Routing { get; } = new();

    /// <summary>Rows gathered by expert, later the experts' outputs.</summary>
    public NativeBuffer ExpertRows { get; } = new();

    /// <summary>Fused gate and up projections of the gathered rows.</summary>
    public NativeBuffer ExpertGateUp { get; } = new();

    /// <summary>Inputs of the experts' down projections.</summary>
    public NativeBuffer ExpertHidden { get; } = new();

    public void Dispose()
    {
        PackedRows.Dispose();
        AttentionTiles.Dispose();
        Routing.Dispose();
        ExpertRows.Dispose();
        ExpertGateUp.Dispose();
        ExpertHidden.Dispose();
    }
}
