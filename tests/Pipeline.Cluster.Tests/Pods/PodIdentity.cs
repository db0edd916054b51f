namespace Pipeline.Cluster.Tests.Pods;

/// <summary>What the downward API can tell a pod about itself.</summary>
internal sealed record PodIdentity(string Name, string Namespace, string Address, string Node, IReadOnlyDictionary<string, string> Labels)
{
    private const string LabelPrefix = "metadata.labels['";

    /// <summary>A field by its path; null for one that is not there.</summary>
    public string? Field(string path) => path switch
    {
        "metadata.name" => Name,
        "metadata.namespace" => Namespace,
        "status.podIP" => Address,
        "spec.nodeName" => Node,
        _ when path.StartsWith(LabelPrefix, StringComparison.Ordinal) && path.EndsWith("']", StringComparison.Ordinal) => Labels.GetValueOrDefault(path[LabelPrefix.Length..^2]),
        _ => null,
    };
}
