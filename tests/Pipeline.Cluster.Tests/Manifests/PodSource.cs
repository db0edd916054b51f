using k8s.Models;

namespace Pipeline.Cluster.Tests.Manifests;

/// <summary>Something that makes pods from a template.</summary>
/// <param name="Owner">For people, such as <c>StatefulSet stage</c>.</param>
/// <param name="Role">What the pods are, by their label: coordinator, stage, bench.</param>
/// <param name="Selector">What it counts as its own; null where the kind has no such field.</param>
/// <param name="Count">Pods wanted.</param>
/// <param name="MinReadySeconds">How long a pod must have been ready before the next one is replaced.</param>
internal sealed record PodSource(string Owner, string Name, string Role, V1PodTemplateSpec Template, V1LabelSelector? Selector, int Count, int MinReadySeconds)
{
    public IDictionary<string, string> Labels => Template.Metadata?.Labels ?? new Dictionary<string, string>();

    public V1PodSpec Spec => Template.Spec ?? new V1PodSpec { Containers = [] };

    /// <summary>Whether its containers run until they are stopped.</summary>
    public bool IsLasting => Spec.RestartPolicy is null or "Always";

    public IEnumerable<V1Container> AllContainers => [.. Spec.InitContainers ?? [], .. Spec.Containers ?? []];

    public bool Matches(IDictionary<string, string>? labels) => labels is { Count: > 0 } && labels.All(label => Labels.TryGetValue(label.Key, out var value) && value == label.Value);
}
