using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Nodes;

namespace Pipeline.Cluster.Tests.Launches;

/// <summary>The manifests of <c>tiny-cpu-mtls</c>, run: every pod finds the certificate that says who it is, and nobody takes another one's.</summary>
public sealed class MtlsTests
{
    [Fact]
    public async Task Mtls_ComesUpServesAndGetsOverALoss()
    {
        var set = await ManifestSet.OfAsync(Overlays.TinyCpuMtls);
        using var certificates = new CertificateStore();
        await using var cluster = await TestCluster.ApplyAsync(set, await certificates.IssueAsync(set));
        var client = new ServiceClient(cluster, "tiny-mixtral");
        await cluster.AllReadyAsync();
        var answer = await client.AskAsync();

        var record = await client.AskUntilAsync(cluster.Workload("stage").DeleteAsync(0));

        Assert.Equal(answer, Assert.Single(record.Answers));
        Assert.DoesNotContain("clear text", cluster.History, StringComparison.Ordinal);
    }

    /// <summary>Old pods and new ones cannot speak to each other, so that the first new stage cannot serve before the last one is there too.</summary>
    [Fact]
    public async Task Mtls_PutOnLinksOfClearText_AllPodsAreReplacedAndServe()
    {
        var set = ManifestSet.Load(Overlays.TinyCpuMtls, (await Kustomize.RenderAsync(Overlays.TinyCpuMtls)).Replace("minReadySeconds: 30", "minReadySeconds: 5", StringComparison.Ordinal));
        using var certificates = new CertificateStore();
        await using var cluster = await TestCluster.ApplyAsync(await ManifestSet.OfAsync(Overlays.TinyCpu), new ClusterStorage());
        var client = new ServiceClient(cluster, "tiny-mixtral");
        await cluster.AllReadyAsync();
        var (answer, before) = (await client.AskAsync(), cluster.Pods);

        await cluster.ChangeAsync(set, await certificates.IssueAsync(set));

        Assert.Equal(answer, await client.AskAsync());
        Assert.Empty(before.Intersect(cluster.Pods));
    }

    /// <summary>An authority that everybody trusts has signed them; still stage 1 is not stage 0.</summary>
    [Fact]
    public async Task Mtls_SecretsOfTwoStagesExchanged_NothingIsServedAndTheLogSaysWhy()
    {
        var set = await ManifestSet.OfAsync(Overlays.TinyCpuMtls);
        using var certificates = new CertificateStore();
        var storage = await certificates.IssueAsync(set, name => name switch { "stage-0" => "stage-1", "stage-1" => "stage-0", _ => name });
        await using var cluster = await TestCluster.ApplyAsync(set, storage);
        var coordinator = cluster.Workload("coordinator").Pods[0];

        await Eventually.HoldsAsync(() => coordinator.Log.Contains("it presented the certificate of stage 1", StringComparison.Ordinal) && coordinator.Log.Contains("stage 0 is wanted", StringComparison.Ordinal), () => $"the coordinator says who is wanted\n{cluster.History}");

        Assert.False(coordinator.IsReady);
        Assert.DoesNotContain(cluster.Workload("stage").Pods, pod => pod.Log.Contains("weights loaded", StringComparison.Ordinal));
    }
}
