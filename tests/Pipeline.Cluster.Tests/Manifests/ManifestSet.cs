using k8s;
using k8s.Models;
using Pipeline.Cluster.Tests.Manifests.Kinds;

namespace Pipeline.Cluster.Tests.Manifests;

/// <summary>The rendered documents of one folder, loaded strictly: a field that does not exist or has the wrong type is refused.</summary>
internal sealed class ManifestSet
{
    private const string RoleLabel = "app.kubernetes.io/component";

    private static readonly Dictionary<string, Type> OtherKinds = new()
    {
        ["leaderworkerset.x-k8s.io/v1/LeaderWorkerSet"] = typeof(LeaderWorkerSet),
        ["monitoring.coreos.com/v1/ServiceMonitor"] = typeof(ServiceMonitor),
        ["cert-manager.io/v1/Certificate"] = typeof(Certificate),
        ["cert-manager.io/v1/Issuer"] = typeof(Issuer),
    };

    private ManifestSet(string folder, IReadOnlyList<IKubernetesObject<V1ObjectMeta>> objects) => (Folder, Objects) = (folder, objects);

    public string Folder { get; }

    public IReadOnlyList<IKubernetesObject<V1ObjectMeta>> Objects { get; }

    /// <summary>Everything that makes pods.</summary>
    public IReadOnlyList<PodSource> PodSources => [.. Objects.SelectMany(PodSourcesOf)];

    /// <summary>Jobs alone, which are applied to what an overlay runs.</summary>
    public bool IsBesideAnOverlay => PodSources is { Count: > 0 } sources && sources.All(source => !source.IsLasting);

    public static async Task<ManifestSet> OfAsync(string folder) => Load(folder, await Kustomize.RenderAsync(folder));

    public static ManifestSet Load(string folder, string text) =>
        new(folder, [.. KubernetesYaml.LoadAllFromString(text, OtherKinds, strict: true).Cast<IKubernetesObject<V1ObjectMeta>>()]);

    public IEnumerable<T> Of<T>() => Objects.OfType<T>();

    /// <summary>The pods of one role; null where there are none.</summary>
    public PodSource? Role(string role) => PodSources.SingleOrDefault(source => source.Role == role);

    private static IEnumerable<PodSource> PodSourcesOf(IKubernetesObject<V1ObjectMeta> item) => item switch
    {
        V1StatefulSet set => [Source(item, set.Spec.Template, set.Spec.Selector, set.Spec.Replicas ?? 1, set.Spec.MinReadySeconds ?? 0)],
        V1Deployment deployment => [Source(item, deployment.Spec.Template, deployment.Spec.Selector, deployment.Spec.Replicas ?? 1, deployment.Spec.MinReadySeconds ?? 0)],
        V1Job job => [Source(item, job.Spec.Template, null, job.Spec.Completions ?? 1)],
        LeaderWorkerSet { Spec: { LeaderWorkerTemplate: var group } spec } =>
        [
            Source(item, group.LeaderTemplate!, null, spec.Replicas ?? 1),
            Source(item, group.WorkerTemplate!, null, (spec.Replicas ?? 1) * ((group.Size ?? 1) - 1)),
        ],
        _ => [],
    };

    private static PodSource Source(IKubernetesObject<V1ObjectMeta> item, V1PodTemplateSpec template, V1LabelSelector? selector, int count, int minReadySeconds = 0) =>
        new($"{item.Kind} {item.Metadata.Name}", item.Metadata.Name, template.Metadata?.Labels?.TryGetValue(RoleLabel, out var role) is true ? role : "", template, selector, count, minReadySeconds);
}
