namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>What pods mount that is not their own: folders of this machine, by the names that manifests use.</summary>
internal sealed record ClusterStorage
{
    /// <summary>Secret to the folder with its keys as files.</summary>
    public IReadOnlyDictionary<string, string> Secrets { get; init; } = new Dictionary<string, string>();

    /// <summary>PersistentVolumeClaim, or path on the node, to folder.</summary>
    public IReadOnlyDictionary<string, string> Volumes { get; init; } = new Dictionary<string, string>();

    /// <summary>Value of a key of a Secret; null where there is none.</summary>
    public string? Key(string secret, string key) =>
        Secrets.TryGetValue(secret, out var folder) && File.Exists(Path.Combine(folder, key)) ? File.ReadAllText(Path.Combine(folder, key)) : null;
}
