namespace Pipeline.Model.CudaRuntime;

/// <summary>A recorded sequence of kernels that the driver starts with one call.</summary>
internal sealed class CudaGraph : IDisposable
{
    private readonly nint _executable;

    public CudaGraph(nint graph)
    {
        var result = CudaDriver.cuGraphInstantiateWithFlags(out _executable, graph, 0);
        _ = CudaDriver.cuGraphDestroy(graph);
        CudaException.Check(result, "prepare a graph");
    }

    public void Launch(CudaStream stream) => CudaException.Check(CudaDriver.cuGraphLaunch(_executable, stream.Handle), "launch a graph");

    public void Dispose() => _ = CudaDriver.cuGraphExecDestroy(_executable);
}
