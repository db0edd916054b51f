using Pipeline.Cluster.Tests.Nodes;

namespace Pipeline.Cluster.Tests.Launches;

/// <summary>The manifests of <c>tiny-cpu</c>, run: they come up, serve, and get over the loss of any pod.</summary>
public sealed class TinyCpuTests(TinyCluster tiny) : IClassFixture<TinyCluster>
{
    private TestCluster Cluster => tiny.Cluster;

    [Fact]
    public async Task Service_Asked_Answers()
    {
        await Cluster.AllReadyAsync();

        Assert.Equal(tiny.Answer, await tiny.Client.AskAsync(TinyCluster.Tokens));
    }

    /// <summary>What was asked before waits until the stage is back, and goes on where it was.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Stage_Deleted_ComesBackUnderItsNameAndTheAnswerGoesOn(int stage)
    {
        await Cluster.AllReadyAsync();
        var stages = Cluster.Workload("stage");
        var (before, others) = (stages.Pods[stage], Cluster.Pods.Where(pod => pod != stages.Pods[stage]).ToList());
        var restarts = others.Select(pod => pod.Restarts).ToList();

        var answer = tiny.Client.AskUntilAnsweredAsync(TinyCluster.Tokens);
        await stages.DeleteAsync(stage);
        var (text, seconds) = await answer;
        await Cluster.AllReadyAsync();
        var (again, _) = await tiny.Client.AskUntilAnsweredAsync(TinyCluster.Tokens);

        Say($"stage {stage} deleted: answered after {seconds:F1} s");
        Assert.Equal((tiny.Answer, tiny.Answer), (text, again));
        Assert.Equal(before.Identity.Name, stages.Pods[stage].Identity.Name);
        Assert.NotEqual(before.Identity.Address, stages.Pods[stage].Identity.Address);
        // Only the broken pod restarts.
        Assert.All(others, pod => Assert.Contains(pod, Cluster.Pods));
        Assert.Equal(restarts, others.Select(pod => pod.Restarts));
    }

    [Fact]
    public async Task Stage_Crashed_IsStartedAgainInItsPod()
    {
        await Cluster.AllReadyAsync();
        var pod = Cluster.Workload("stage").Pods[1];
        var restarts = pod.Restarts;

        pod.Crash();
        await Eventually.HoldsAsync(() => pod.Restarts == restarts + 1, () => $"the container is started again\n{Cluster.History}");
        var (text, seconds) = await tiny.Client.AskUntilAnsweredAsync(TinyCluster.Tokens);

        Say($"stage 1 crashed: answered after {seconds:F1} s");
        Assert.Equal(tiny.Answer, text);
        await Cluster.AllReadyAsync();
        Assert.Contains(pod, Cluster.Pods);
    }

    /// <summary>The new one finds the stages leased to the old one, which may still be finishing what it had begun.</summary>
    [Fact]
    public async Task Coordinator_Deleted_AnotherTakesItsPlace()
    {
        await Cluster.AllReadyAsync();
        var coordinators = Cluster.Workload("coordinator");
        var (old, stages) = (coordinators.Pods[0], Cluster.Workload("stage").Pods.ToList());
        var restarts = stages.Select(pod => pod.Restarts).ToList();

        var running = tiny.Client.AskAsync(TinyCluster.Tokens);
        await coordinators.DeleteAsync(0);
        Assert.Equal(tiny.Answer, await running);
        var (text, seconds) = await tiny.Client.AskUntilAnsweredAsync(TinyCluster.Tokens);

        Say($"coordinator deleted: answered after {seconds:F1} s");
        Assert.Equal(tiny.Answer, text);
        Assert.NotSame(old, coordinators.Pods[0]);
        Assert.DoesNotContain("did not end within its grace", Cluster.History, StringComparison.Ordinal);
        Assert.Equal(restarts, stages.Select(pod => pod.Restarts));
    }

    [Fact]
    public async Task Coordinator_Crashed_IsStartedAgainAndServes()
    {
        await Cluster.AllReadyAsync();
        var pod = Cluster.Workload("coordinator").Pods[0];

        pod.Crash();
        await Eventually.HoldsAsync(() => pod.Restarts > 0, () => $"the container is started again\n{Cluster.History}");
        var (text, seconds) = await tiny.Client.AskUntilAnsweredAsync(TinyCluster.Tokens);

        Say($"coordinator crashed: answered after {seconds:F1} s");
        Assert.Equal(tiny.Answer, text);
    }

    /// <summary>Somebody is asking all the while, and is answered or told to come back, each time.</summary>
    [Fact]
    public async Task Stages_RolledOut_EveryRequestIsAnswered()
    {
        await Cluster.AllReadyAsync();
        var before = Cluster.Workload("stage").Pods.ToList();

        var rollOut = Cluster.Workload("stage").RollOutAsync();
        List<(string Text, double Seconds)> answers = [];
        while (!rollOut.IsCompleted)
        {
            answers.Add(await tiny.Client.AskUntilAnsweredAsync(TinyCluster.Tokens));
        }

        await rollOut;
        answers.Add(await tiny.Client.AskUntilAnsweredAsync(TinyCluster.Tokens));

        Say($"rolled out: {answers.Count} answers, the slowest after {answers.Max(answer => answer.Seconds):F1} s");
        Assert.All(answers, answer => Assert.Equal(tiny.Answer, answer.Text));
        Assert.Empty(before.Intersect(Cluster.Workload("stage").Pods));
    }

    private static void Say(FormattableString text) => TestContext.Current.TestOutputHelper!.WriteLine(FormattableString.Invariant(text));
}
