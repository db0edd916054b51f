using System.Security.Cryptography;
using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Nodes;
using Pipeline.Cluster.Tests.Rules;

namespace Pipeline.Cluster.Tests.Launches;

/// <summary>The init container that holds a node's copy of the model against its hashes, run on small files.</summary>
public sealed class ModelCheckTests : IDisposable
{
    private readonly DirectoryInfo _node = Directory.CreateTempSubdirectory("node-");

    [Fact]
    public async Task Copy_AsItShouldBe_IsLetThrough()
    {
        WriteModel();

        var (code, log) = await CheckAsync();

        Assert.True(code == 0, log);
        Assert.Contains("2 files of /models/Mixtral-8x7B-Instruct-v0.1 are as they should be", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_WithOneByteChanged_IsNamed()
    {
        File.WriteAllText(Path.Combine(WriteModel(), "model-00001.safetensors"), "weightz");

        var (code, log) = await CheckAsync();

        Assert.Equal(1, code);
        Assert.Contains("model-00001.safetensors: FAILED", log, StringComparison.Ordinal);
        Assert.Contains("is damaged", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_WithAFileMissing_IsNamed()
    {
        File.Delete(Path.Combine(WriteModel(), "config.json"));

        var (code, log) = await CheckAsync();

        Assert.Equal(1, code);
        Assert.Contains("config.json", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_WithoutHashes_SaysHowToMakeThem()
    {
        File.Delete(Path.Combine(WriteModel(), "SHA256SUMS"));

        var (code, log) = await CheckAsync();

        Assert.Equal(1, code);
        Assert.Contains("sha256sum * > SHA256SUMS", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_NotThere_SaysWhereItBelongs()
    {
        var (code, log) = await CheckAsync();

        Assert.Equal(1, code);
        Assert.Contains("copy the model to /var/lib/pipeline/models/Mixtral-8x7B-Instruct-v0.1", log, StringComparison.Ordinal);
    }

    public void Dispose() => _node.Delete(recursive: true);

    private string WriteModel()
    {
        var folder = _node.CreateSubdirectory("Mixtral-8x7B-Instruct-v0.1").FullName;
        (string Name, string Text)[] files = [("config.json", "{}"), ("model-00001.safetensors", "weights")];
        foreach (var (name, text) in files)
        {
            File.WriteAllText(Path.Combine(folder, name), text);
        }

        File.WriteAllLines(Path.Combine(folder, "SHA256SUMS"), files.Select(file => $"{Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(file.Text)))}  {file.Name}"));
        return folder;
    }

    private async Task<(int Code, string Log)> CheckAsync()
    {
        var reason = await Sandbox.UnusableBecauseAsync();
        Assert.SkipWhen(reason is not null, reason ?? "");
        var set = await ManifestSet.OfAsync(Overlays.Mixtral);
        var pod = set.Role("stage")!.Spec;
        var scratch = Directory.CreateTempSubdirectory("pod-");
        try
        {
            var storage = new ClusterStorage { Volumes = new Dictionary<string, string> { ["/var/lib/pipeline/models"] = _node.FullName } };
            var containers = new PodContainers(set, pod, Variables.ExamplePod, storage, new NameTable(scratch.FullName).File, scratch.FullName);
            await using var process = await containers.StartAsync(Assert.Single(pod.InitContainers));
            return (await process.Ended.WaitAsync(Eventually.Limit, TestContext.Current.CancellationToken), process.Log);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }
}
