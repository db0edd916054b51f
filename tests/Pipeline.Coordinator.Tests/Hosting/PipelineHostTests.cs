using Microsoft.Extensions.Options;
using Pipeline.Coordinator.Hosting;
using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Tests.Hosting;

/// <summary>Settings that make no pipeline are refused by the host before anything is launched, all their faults at once.</summary>
public class PipelineHostTests
{
    private static readonly ModelConfig Model = KnownModels.TryGet("bench-125m", out var config) ? config : throw new InvalidOperationException();

    private static readonly PipelineSettings Good = new()
    {
        Model = Model,
        ModelDirectory = "",
        DummyWeights = true,
        Plan = ShardPlan.FromLayerCounts([6, 6]),
        Microbatches = 2,
        MaxSequences = 2,
        MaxBatchedTokens = 16,
        MaxModelLength = 64,
        BlockSize = 16,
    };

    public static TheoryData<string, PipelineSettings> Faults => new()
    {
        { "0 microbatches; at least 1 are needed", Good with { Microbatches = 0 } },
        { "0 sequences; at least 1 are needed", Good with { MaxSequences = 0 } },
        { "0 tokens in a step; at least 1 are needed", Good with { MaxBatchedTokens = 0 } },
        { "-3 tokens in a sequence; at least 1 are needed", Good with { MaxModelLength = -3 } },
        { "-1 waiting requests; at least 0 are needed", Good with { MaxWaiting = -1 } },
        { "0 tokens in a cache block; at least 1 are needed", Good with { BlockSize = 0 } },
        { "-1 threads; at least 0 are needed", Good with { Threads = -1 } },
        { $"sequences of {Model.MaxPositions + 1} tokens; bench-125m was made for {Model.MaxPositions} positions", Good with { MaxModelLength = Model.MaxPositions + 1 } },
        { "a plan for 11 layers; bench-125m has 12", Good with { Plan = ShardPlan.FromLayerCounts([6, 5]) } },
        { "1 workers for 2 stages", Good with { Workers = ["localhost:1"] } },
        { "worker 'nowhere'; host:port is wanted", Good with { Workers = ["localhost:1", "nowhere"] } },
        { "neither a model folder nor dummy weights", Good with { DummyWeights = false } },
        { "1.5 of a GPU's memory; more than 0 and at most 1 is wanted", Good with { GpuMemoryUtilization = 1.5 } },
        { "NaN of a GPU's memory; more than 0 and at most 1 is wanted", Good with { GpuMemoryUtilization = double.NaN } },
        { "connect patience 00:00:00 and cache memory as needed; both must be more than nothing", Good with { ConnectPatience = TimeSpan.Zero } },
        { "connect patience 00:00:10 and cache memory 0; both must be more than nothing", Good with { CacheBytesPerStage = 0 } },
    };

    [Theory]
    [MemberData(nameof(Faults), DisableDiscoveryEnumeration = true)]
    public async Task Start_WithAFault_NamesItAndLaunchesNothing(string message, PipelineSettings settings)
    {
        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => PipelineHost.StartAsync(settings, TimeProvider.System, new NothingStarts(), TestContext.Current.CancellationToken));

        Assert.Equal([message], refusal.Failures);
    }

    [Fact]
    public async Task Start_WithTwoFaults_NamesBoth()
    {
        var settings = Good with { Microbatches = 0, BlockSize = 0 };

        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => PipelineHost.StartAsync(settings, TimeProvider.System, new NothingStarts(), TestContext.Current.CancellationToken));

        Assert.Equal(2, refusal.Failures.Count());
    }

    private sealed class NothingStarts : ILaunchObserver
    {
        public void Starting(int stages, bool local) => Assert.Fail("the launch begins");

        public void Tell(string line) => Assert.Fail(line);

        public void Retrying(int stage, string address, int attempt, string reason) => Assert.Fail("a worker is asked");

        public void Reached(int stage, string address)
        {
        }

        public void Lost(int stage, string reason)
        {
        }

        public void Recovered(double seconds)
        {
        }

        public void Loading(int stage, long bytesDone, long bytesTotal) => Assert.Fail("a shard is loaded");

        public void Loaded(int stage, long bytes, double seconds) => Assert.Fail("a shard is loaded");
    }
}
