using Pipeline.Cluster.Tests.Manifests;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>The pods of one controller: as many as it wants, and a new one for each that goes.</summary>
/// <param name="keepsNames">Of a StatefulSet: a pod's name is free again only when the pod is gone. A Deployment's replacement has another name and does not wait.</param>
internal sealed class Workload(PodSource source, bool keepsNames, Func<int, Pod> create)
{
    private readonly Pod[] _pods = [.. Enumerable.Range(0, source.Count).Select(create)];

    public PodSource Source => source;

    public IReadOnlyList<Pod> Pods => _pods;

    /// <summary>Deletes a pod behind the controller's back; complete when it is gone and another one is there.</summary>
    public async Task DeleteAsync(int index)
    {
        var old = _pods[index];
        if (!keepsNames)
        {
            _pods[index] = create(index);
        }

        await old.DeleteAsync();
        if (keepsNames)
        {
            _pods[index] = create(index);
        }
    }

    /// <summary>As a change of the template does: the last one first, the next one when the one before is ready again.</summary>
    public async Task RollOutAsync()
    {
        for (var index = _pods.Length - 1; index >= 0; index--)
        {
            await _pods[index].DeleteAsync();
            var pod = _pods[index] = create(index);
            await Eventually.HoldsAsync(() => pod.IsReady, () => $"{pod.Identity.Name} is ready; it says: {pod.Log}");
        }
    }
}
