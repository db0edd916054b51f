namespace Pipeline.Cluster.Tests.Manifests;

/// <summary>What a user may name after <c>kubectl apply -k k8s/</c>.</summary>
internal static class Overlays
{
    public const string TinyCpu = "overlays/tiny-cpu";
    public const string TinyCpuMtls = "overlays/tiny-cpu-mtls";
    public const string Mistral = "overlays/mistral-7b";
    public const string Mixtral = "overlays/mixtral-8x7b";
    public const string LeaderWorkerSet = "overlays/leader-worker-set";
    public const string Bench = "jobs/bench";
    public const string Scaling = "jobs/scaling";

    /// <summary>Found by looking, so that none can be forgotten.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. new[] { "overlays", "jobs" }.SelectMany(folder => Directory.EnumerateDirectories(Repository.At("k8s", folder)))
            .Select(folder => Path.GetRelativePath(Repository.At("k8s"), folder)).Order(StringComparer.Ordinal),
    ];
}
