using Pipeline.Model.CudaRuntime;

namespace Pipeline.Model.CudaKernels;

/// <summary>
/// Decode steps recorded by batch bucket. The first step of a bucket runs plainly, so that everything it needs is allotted and
/// loaded; the second is recorded, and from then on replayed. When memory has moved in between, recording starts anew.
/// </summary>
internal sealed class StepGraphs(CudaStream stream) : IDisposable
{
    private readonly Dictionary<(int Rows, int Kind), (CudaGraph? Graph, int Generation)> _buckets = [];

    /// <summary>Runs a step, recorded or not.</summary>
    /// <param name="generation">Tells whether addresses have changed since; asked again after a plain run, which may change it.</param>
    public void Run((int Rows, int Kind) bucket, Func<int> generation, Action step)
    {
        if (!_buckets.TryGetValue(bucket, out var known) || known.Generation != generation())
        {
            if (known.Graph is { } former)
            {
                stream.Synchronize(); // it may still be running
                former.Dispose();
            }

            step();
            _buckets[bucket] = (null, generation());
            return;
        }

        var graph = known.Graph;
        if (graph is null)
        {
            graph = stream.Capture(step);
            _buckets[bucket] = (graph, known.Generation);
        }

        graph.Launch(stream);
    }

    public void Dispose()
    {
        foreach (var (graph, _) in _buckets.Values)
        {
            graph?.Dispose();
        }
    }
}
