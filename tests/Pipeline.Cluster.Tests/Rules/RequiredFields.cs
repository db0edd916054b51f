using k8s.Models;
using Pipeline.Cluster.Tests.Manifests;

namespace Pipeline.Cluster.Tests.Rules;

/// <summary>Fields that the API server insists on and the loader does not miss.</summary>
internal static class RequiredFields
{
    public static IEnumerable<string> Complaints(ManifestSet set) =>
    [
        .. set.Objects.Where(item => string.IsNullOrEmpty(item.Metadata?.Name)).Select(item => $"a {item.Kind} has no name"),
        .. set.Objects.Where(item => item is V1StatefulSet { Spec.Selector: null } or V1Deployment { Spec.Selector: null }).Select(item => $"{item.Kind} {item.Metadata.Name} has no selector"),
        .. set.Of<V1StatefulSet>().Where(item => string.IsNullOrEmpty(item.Spec.ServiceName)).Select(item => $"StatefulSet {item.Metadata.Name} has no serviceName"),
        .. set.Of<V1PodDisruptionBudget>().Where(item => item.Spec.Selector is null).Select(item => $"PodDisruptionBudget {item.Metadata.Name} has no selector"),
        .. set.Of<V1Service>().Where(item => item.Spec.Ports is not { Count: > 0 }).Select(item => $"Service {item.Metadata.Name} has no ports"),
        .. set.Of<V1PersistentVolumeClaim>().Where(item => item.Spec.AccessModes is not { Count: > 0 } || item.Spec.Resources?.Requests?.ContainsKey("storage") is not true)
            .Select(item => $"PersistentVolumeClaim {item.Metadata.Name} needs accessModes and a request for storage"),
        .. set.PodSources.Where(source => source.Spec.Containers is not { Count: > 0 }).Select(source => $"{source.Owner} has no containers"),
        .. from source in set.PodSources
           from container in source.AllContainers
           where string.IsNullOrEmpty(container.Name) || string.IsNullOrEmpty(container.Image)
           select $"{source.Owner}: a container has no name or no image",
    ];
}
