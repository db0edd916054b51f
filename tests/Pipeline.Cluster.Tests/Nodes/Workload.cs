using Pipeline.Cluster.Tests.Manifests;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>The pods of one controller: as many as it wants, and a new one for each that goes.</summary>
/// <param name="keepsNames">Of a StatefulSet: a pod's name is free again only when the pod is gone. A Deployment's replacement has another name and does not wait.</param>
internal sealed class Workload(PodSource source, bool keepsNames, Func<PodSource, int, Pod> create)
{
    private volatile Pod[] _pods = [.. Enumerable.Range(0, source.Count).Select(index => create(source, index))];

    public PodSource Source { get; private set; } = source;

    public IReadOnlyList<Pod> Pods => _pods;

    /// <summary>Deletes a pod behind the controller's back; complete when it is gone and another one is there.</summary>
    public async Task DeleteAsync(int index)
    {
        var old = _pods[index];
        if (!keepsNames)
        {
            _pods[index] = create(Source, index);
        }

        await old.DeleteAsync();
        if (keepsNames)
        {
            _pods[index] = create(Source, index);
        }
    }

    /// <summary>As <c>kubectl scale</c> does; complete when those that are too many are gone.</summary>
    public async Task ScaleAsync(int count)
    {
        var (kept, surplus) = (_pods.Take(count).ToList(), _pods.Skip(count));
        _pods = [.. kept, .. Enumerable.Range(kept.Count, count - kept.Count).Select(index => create(Source, index))];
        await Task.WhenAll(surplus.Select(pod => pod.DeleteAsync()));
    }

    /// <summary>
    /// As a change of the template does: the last pod first, the next one when the one before is ready and has been so for as long as the
    /// controller is told to wait.
    /// </summary>
    /// <param name="changed">What the new pods are made from; null where nothing but the pods is to be new.</param>
    public async Task RollOutAsync(PodSource? changed = null)
    {
        Source = changed ?? Source;
        for (var index = _pods.Length - 1; index >= 0; index--)
        {
            await _pods[index].DeleteAsync();
            var pod = _pods[index] = create(Source, index);
            var patience = TimeSpan.FromSeconds(Source.MinReadySeconds);
            await Eventually.HoldsAsync(() => pod.ReadyFor is { } time && time >= patience, () => $"{pod.Identity.Name} is ready; it says: {pod.Log}");
        }
    }
}
