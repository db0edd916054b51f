using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Nodes;

namespace Pipeline.Cluster.Tests.Launches;

/// <summary>The LeaderWorkerSet of four stages, run: with the small model in the place of the big one, on the CPU.</summary>
public sealed class LeaderWorkerSetTests
{
    [Fact]
    public async Task LeaderWorkerSet_WorkersAreFoundByTheirNumbers()
    {
        var text = (await Kustomize.RenderAsync(Overlays.LeaderWorkerSet))
            .Replace("DEVICE: cuda", "DEVICE: cpu", StringComparison.Ordinal)
            .Replace("MAX_MODEL_LEN: \"32768\"", "MAX_MODEL_LEN: \"512\"", StringComparison.Ordinal);
        var models = Directory.CreateTempSubdirectory("models-");
        try
        {
            var model = models.CreateSubdirectory("Mistral-7B-Instruct-v0.3");
            foreach (var file in Directory.EnumerateFiles(Repository.At("models", "tiny-mixtral")))
            {
                File.Copy(file, Path.Combine(model.FullName, Path.GetFileName(file)));
            }

            await using var cluster = await TestCluster.ApplyAsync(
                ManifestSet.Load(Overlays.LeaderWorkerSet, text), new ClusterStorage { Volumes = new Dictionary<string, string> { ["models"] = models.FullName } });
            await cluster.AllReadyAsync();

            Assert.NotEmpty(await new ServiceClient(cluster, "mistral-7b").AskAsync());
            Assert.Equal(["pipeline-0-1", "pipeline-0-2", "pipeline-0-3", "pipeline-0-4"], cluster.Workload("stage").Pods.Select(pod => pod.Identity.Name));
            Assert.All(Enumerable.Range(0, 4), stage => Assert.Contains($"stage {stage} of 4", cluster.Workload("stage").Pods[stage].Log, StringComparison.Ordinal));
        }
        finally
        {
            models.Delete(recursive: true);
        }
    }
}
