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

    /// <summary>An authority that everybody trusts has signed them; still stage 1 is not stage 0.</summary>
    [Fact]
    public async Task Mtls_SecretsOfTwoStagesExchanged_NobodyIsReadyAndTheLogSaysWhy()
    {
        var set = await ManifestSet.OfAsync(Overlays.TinyCpuMtls);
        using var certificates = new CertificateStore();
        var storage = await certificates.IssueAsync(set, name => name switch { "stage-0" => "stage-1", "stage-1" => "stage-0", _ => name });
        await using var cluster = await TestCluster.ApplyAsync(set, storage);
        var coordinator = cluster.Workload("coordinator").Pods[0];

        await Eventually.HoldsAsync(() => coordinator.Log.Contains("it presented the certificate of stage 1", StringComparison.Ordinal) && coordinator.Log.Contains("stage 0 is wanted", StringComparison.Ordinal), () => $"the coordinator says who is wanted\n{cluster.History}");

        Assert.DoesNotContain(cluster.Pods, pod => pod.IsReady);
    }
}
