using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>Everybody says what they need, and GPUs go with CUDA: the device, the image and the node that lets the pod in.</summary>
internal static class Resources
{
    private const string Gpu = "nvidia.com/gpu";

    public static IEnumerable<string> Complaints(ManifestSet set) =>
        from source in set.PodSources
        from container in source.AllContainers
        from complaint in OfContainer(set, source, container)
        select $"{source.Owner}, {container.Name}: {complaint}";

    private static IEnumerable<string> OfContainer(ManifestSet set, PodSource source, V1Container container)
    {
        var (requests, limits) = (container.Resources?.Requests ?? new Dictionary<string, ResourceQuantity>(), container.Resources?.Limits ?? new Dictionary<string, ResourceQuantity>());
        foreach (var missing in new[] { "cpu", "memory" }.Where(name => !requests.ContainsKey(name)))
        {
            yield return $"requests no {missing}";
        }

        if (!limits.ContainsKey("memory"))
        {
            yield return "has no limit of memory: one pod could take all of a node's";
        }

        foreach (var (name, request) in requests.Where(request => limits.TryGetValue(request.Key, out var limit) && request.Value.ToDecimal() > limit.ToDecimal()))
        {
            yield return $"requests {request} of {name}, more than its limit";
        }

        var gpus = limits.TryGetValue(Gpu, out var whole) ? whole.ToDecimal() : 0;
        if (gpus != decimal.Truncate(gpus) || (requests.TryGetValue(Gpu, out var asked) && asked.ToDecimal() != gpus))
        {
            yield return "GPUs are whole, and as many are requested as are the limit";
        }

        foreach (var complaint in source.Role == "stage" && source.Spec.Containers.Contains(container) ? OfDevice(set, source, container, gpus) : [])
        {
            yield return complaint;
        }
    }

    private static IEnumerable<string> OfDevice(ManifestSet set, PodSource source, V1Container container, decimal gpus)
    {
        var device = StageCounts.Value(Variables.Setup(set, container).Arguments, "--device");
        var wantsGpu = device != "cpu";
        if (wantsGpu != gpus > 0)
        {
            yield return $"computes on {device}, but gets {gpus} GPUs";
        }

        if (wantsGpu != container.Image.EndsWith("-cuda", StringComparison.Ordinal))
        {
            yield return $"computes on {device} with the image {container.Image}";
        }

        if (wantsGpu && (source.Spec.Tolerations ?? []).All(toleration => toleration.Key != Gpu))
        {
            yield return "does not tolerate nodes that are kept for GPUs";
        }
    }
}
