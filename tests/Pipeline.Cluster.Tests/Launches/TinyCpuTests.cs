using Pipeline.Cluster.Tests.Manifests;
using Pipeline.Cluster.Tests.Nodes;

namespace Pipeline.Cluster.Tests.Launches;

/// <summary>The manifests of <c>tiny-cpu</c>, run: they come up, serve, and get over the loss of any pod.</summary>
public sealed class TinyCpuTests(TinyCluster tiny) : IClassFixture<TinyCluster>, IAsyncLifetime
{
    private TestCluster Cluster => tiny.Cluster;

    private Workload Stages => Cluster.Workload("stage");

    private Workload Coordinators => Cluster.Workload("coordinator");

    public async ValueTask InitializeAsync() => await tiny.StartedAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Who asks meanwhile waits until the stage is back, and is refused nothing.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Stage_Deleted_ComesBackUnderItsNameWhileRequestsWait(int stage)
    {
        await Cluster.AllReadyAsync();
        var (before, others) = (Stages.Pods[stage], Others(Stages.Pods[stage]));

        var record = await tiny.Client.AskUntilAsync(Stages.DeleteAsync(stage));
        await Cluster.AllReadyAsync();

        HoldsUnrefused(record);
        Assert.Equal(before.Identity.Name, Stages.Pods[stage].Identity.Name);
        Assert.NotEqual(before.Identity.Address, Stages.Pods[stage].Identity.Address);
        OnlyTheBrokenOneRestarted(others);
    }

    [Fact]
    public async Task Stage_Crashed_IsStartedAgainInItsPodWhileRequestsWait()
    {
        await Cluster.AllReadyAsync();
        var pod = Stages.Pods[1];
        var (restarts, others) = (pod.Restarts, Others(pod));

        pod.Crash();
        var record = await tiny.Client.AskUntilAsync(Eventually.HoldsAsync(() => pod.Restarts == restarts + 1, () => $"the container is started again\n{Cluster.History}"));
        await Cluster.AllReadyAsync();

        HoldsUnrefused(record);
        Assert.Contains(pod, Cluster.Pods);
        OnlyTheBrokenOneRestarted(others);
    }

    [Fact]
    public async Task Stages_RolledOut_NoRequestIsRefused()
    {
        await Cluster.AllReadyAsync();
        var before = Stages.Pods.ToList();

        var record = await tiny.Client.AskUntilAsync(Stages.RollOutAsync());

        HoldsUnrefused(record);
        Assert.Empty(before.Intersect(Stages.Pods));
    }

    /// <summary>The new one finds the stages leased to the old one, which finishes what it has begun.</summary>
    [Fact]
    public async Task Coordinator_Deleted_AnotherTakesItsPlace()
    {
        await Cluster.AllReadyAsync();
        var (old, others) = (Coordinators.Pods[0], Others(Coordinators.Pods[0]));

        var record = await tiny.Client.AskUntilAsync(Coordinators.DeleteAsync(0));
        await Cluster.AllReadyAsync();

        Holds(record);
        Assert.NotSame(old, Coordinators.Pods[0]);
        Assert.Contains("already serves coordinator", Coordinators.Pods[0].Log, StringComparison.Ordinal);
        OnlyTheBrokenOneRestarted(others);
    }

    [Fact]
    public async Task Coordinator_RolledOut_TheNextOneServes()
    {
        await Cluster.AllReadyAsync();
        var others = Others(Coordinators.Pods[0]);

        var record = await tiny.Client.AskUntilAsync(Coordinators.RollOutAsync());

        Holds(record);
        OnlyTheBrokenOneRestarted(others);
    }

    [Fact]
    public async Task Coordinator_Crashed_IsStartedAgainAndServes()
    {
        await Cluster.AllReadyAsync();
        var pod = Coordinators.Pods[0];
        var (restarts, others) = (pod.Restarts, Others(pod));

        pod.Crash();
        var record = await tiny.Client.AskUntilAsync(Eventually.HoldsAsync(() => pod.Restarts == restarts + 1, () => $"the container is started again\n{Cluster.History}"));

        Holds(record);
        await Cluster.AllReadyAsync();
        OnlyTheBrokenOneRestarted(others);
    }

    /// <summary>The Job that a user applies to what runs, with fewer prompts.</summary>
    [Fact]
    public async Task Bench_Applied_ReportsThroughput()
    {
        await Cluster.AllReadyAsync();
        var job = ManifestSet.Load(Overlays.Bench, (await Kustomize.RenderAsync(Overlays.Bench)).Replace("NUM_PROMPTS: \"64\"", "NUM_PROMPTS: \"8\"", StringComparison.Ordinal));

        var (code, log) = await Cluster.RunAsync(job);

        Assert.True(code == 0, log);
        Assert.Matches(@"Successful requests:?\s+\|\s+8\b", log);
    }

    /// <summary>The Job that measures one and two stages, while the coordinator that serves has stepped aside.</summary>
    [Fact]
    public async Task Scaling_Applied_ProvesThatStagesAgreeAndMeasuresThem()
    {
        await Cluster.AllReadyAsync();
        var rendered = await Kustomize.RenderAsync(Overlays.Scaling);
        var job = ManifestSet.Load(Overlays.Scaling, rendered.Replace("PROMPT: \"512\"", "PROMPT: \"32\"", StringComparison.Ordinal).Replace("GENERATE: \"64\"", "GENERATE: \"8\"", StringComparison.Ordinal));
        await Coordinators.ScaleAsync(0);

        var (code, log) = await Cluster.RunAsync(job);
        await Coordinators.ScaleAsync(1);

        Assert.True(code == 0, log);
        Assert.Contains("pipelines of 1,2 stage(s) compute the same tokens", log, StringComparison.Ordinal);
        Assert.Matches(@"\| bench-125m .*\|\s+2 \|.*\|\s+tg8 x16/stage \|", log);
        await Cluster.AllReadyAsync();
        Assert.Equal(tiny.Answer, await tiny.Client.AskAsync());
    }

    private List<(Pod Pod, int Restarts)> Others(Pod pod) => [.. Cluster.Pods.Where(other => other != pod).Select(other => (other, other.Restarts))];

    private void OnlyTheBrokenOneRestarted(List<(Pod Pod, int Restarts)> others)
    {
        Assert.True(others.TrueForAll(other => Cluster.Pods.Contains(other.Pod) && other.Pod.Restarts == other.Restarts), $"another pod was touched:\n{Cluster.History}");
        Assert.DoesNotContain("within its grace", Cluster.History, StringComparison.Ordinal);
    }

    private void HoldsUnrefused(ServiceRecord record)
    {
        Holds(record);
        Assert.Empty(record.Refusals);
    }

    private void Holds(ServiceRecord record)
    {
        TestContext.Current.TestOutputHelper!.WriteLine(record.ToString());
        Assert.Equal(tiny.Answer, Assert.Single(record.Answers));
    }
}
