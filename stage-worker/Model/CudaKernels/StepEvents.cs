using Pipeline.Model.CudaRuntime;

namespace Pipeline.Model.CudaKernels;

/// <summary>Pairs of events around steps, kept for reuse: making one takes longer than recording it.</summary>
internal sealed class StepEvents : IDisposable
{
    private readonly Stack<(CudaEvent Began, CudaEvent Ended)> _free = [];

    public (CudaEvent Began, CudaEvent Ended) Rent() => _free.TryPop(out var pair) ? pair : (CudaEvent.Timed(), CudaEvent.Timed());

    public void Return((CudaEvent Began, CudaEvent Ended) pair) => _free.Push(pair);

    public void Dispose()
    {
        foreach (var (began, ended) in _free)
        {
            began.Dispose();
            ended.Dispose();
        }
    }
}
