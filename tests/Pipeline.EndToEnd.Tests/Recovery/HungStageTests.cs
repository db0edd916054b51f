using Microsoft.Extensions.DependencyInjection;
using Pipeline.Coordinator.Hosting;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;
using Pipeline.EndToEnd.Tests.Contracts;
using Pipeline.EndToEnd.Tests.Execution;
using Pipeline.EndToEnd.Tests.Pipelines;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;
using Pipeline.TestKit;
using Pipeline.TestKit.Time;

namespace Pipeline.EndToEnd.Tests.Recovery;

/// <summary>Stages that are all there and answer, and yet nothing goes on.</summary>
public sealed class HungStageTests
{
    private const int Stages = 2;

    private static readonly SequenceRequest Request = new()
    {
        Prompt = [1, 5, 9],
        MaxTokens = 60,
        IgnoreEos = true,
        Sampling = new SamplingParams { Temperature = 0.9f, Seed = 5 },
    };

    private readonly LaunchWatch _watch = new();

    /// <summary>
    /// Its device computes for ever, its process answers every question. It is given up, and asked again until it is free: on a
    /// cluster by another process, which the liveness probe sees to.
    /// </summary>
    [Fact]
    public async Task StageThatHangs_WhileStreaming_TokensAreThoseOfAnUndisturbedRun()
    {
        await using var workers = new InProcessWorkers();
        var settings = await SettingsAsync(workers) with { StepPatience = TimeSpan.FromSeconds(5) };
        await using var host = await PipelineHost.StartAsync(settings, TimeProvider.System, _watch, Token);
        var expected = await GeneratedSequence.ReadAsync(host.Loop.Submit(Request));
        using var go = new ManualResetEventSlim();
        var feed = host.Loop.Submit(Request);
        await feed.Updates.WaitToReadAsync(Token);
        _ = workers.SessionOf(1)!.Thread.RunAsync(() => go.WaitHandle.WaitOne());
        var actual = GeneratedSequence.ReadAsync(feed);

        await ToldAsync("stage 1 is lost: has not finished step ");
        await ToldAsync("stage 1: this worker already serves coordinator ");
        Assert.False(actual.IsCompleted);
        go.Set();

        Assert.Equal(expected.Tokens, (await actual).Tokens);
        Assert.Equal(1, host.Loop.Recoveries.Recoveries);
        Assert.DoesNotContain(_watch.Told, line => line.StartsWith("stage 0 is lost", StringComparison.Ordinal));
    }

    /// <summary>The coordinator reaches both, the first stage does not reach the second: nobody is lost, and the waiting has to have a reason.</summary>
    [Fact]
    public async Task Launch_StagesThatDoNotReachEachOther_IsToldUntilTheyDo()
    {
        // Stages look for their neighbours for 20 s; here that is less than half a second.
        await using var workers = new InProcessWorkers { Replace = services => services.AddSingleton<TimeProvider>(new HurriedTime()) };
        var settings = await SettingsAsync(workers);
        await using var relay = new CuttableRelay(settings.Workers[1]);
        var watch = new LaunchWatch { OnLoaded = _ => relay.IsClosed = true };
        var launching = TestPipelines.StartAsync(settings with { Workers = [settings.Workers[0], relay.Address] }, watch);

        await Eventually.HoldsAsync(
            () => watch.Told.Any(line => line.StartsWith("stage 0: stage 0 cannot reach the next one: ", StringComparison.Ordinal)), () => $"the reason; told was: {string.Join('\n', watch.Told)}");
        Assert.False(launching.IsCompleted);
        relay.IsClosed = false;

        await using var pipeline = await launching;
        Assert.Null(pipeline.Trouble);
        Assert.Equal("stage 0 is there", watch.Told.Last());
        Assert.DoesNotContain(watch.Told, line => line.Contains("is lost", StringComparison.Ordinal));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<PipelineSettings> SettingsAsync(InProcessWorkers workers) => TestPipelines.SettingsFor(Fixtures.TinyMixtral, Stages) with
    {
        Workers = await workers.AddressesAsync(Stages),
        Kernels = "cpu",
        Transport = HopTransport.Grpc,
        RecoveryPatience = TimeSpan.FromMinutes(5),
    };

    private Task ToldAsync(string beginning) => Eventually.HoldsAsync(
        () => _watch.Told.Any(line => line.StartsWith(beginning, StringComparison.Ordinal)), () => $"'{beginning}'; told was: {string.Join('\n', _watch.Told)}");
}
