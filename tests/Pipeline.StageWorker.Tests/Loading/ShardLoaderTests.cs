using Microsoft.Extensions.DependencyInjection;
using Pipeline.Protos.Codec;
using Pipeline.Protos.V1;
using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Loading;
using Pipeline.TestKit.Time;
using TorchSharp;

namespace Pipeline.StageWorker.Tests.Loading;

/// <summary>Loading over the wire: progress, repetition, interruption, and storage that has its moments.</summary>
public class ShardLoaderTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Load_SlowWeights_ProgressGrowsAndEndsComplete(bool tied)
    {
        await using var worker = await StartAsync(new FaultySources(onRead: (_, _) => Thread.Sleep(5)));
        await using var stage = await TestStage.AttachWholeAsync(worker);
        List<LoadProgress> progress = [];
        var reply = await stage.LoadAsync(request => request.Model = ModelShapeCodec.ToWire(Models.Config with { TiedEmbeddings = tied }), onProgress: progress.Add);
        Assert.True(progress.Count > 3, $"{progress.Count} reports");
        Assert.All(progress.Zip(progress.Skip(1)), pair => Assert.True(pair.First.BytesDone <= pair.Second.BytesDone));
        Assert.Contains(progress, report => report.BytesDone > 0 && report.BytesDone < report.BytesTotal);
        Assert.All(progress, report => Assert.Equal((progress[^1].BytesDone, "weights"), (report.BytesTotal, report.Phase)));
        Assert.Equal((Environment.ProcessorCount > 0, 1, "cpu"), (reply.TensorCount > 0, reply.Threads, reply.Kernels));
    }

    [Fact]
    public async Task Load_Again_ReplacesTheShard()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachWholeAsync(worker);
        var first = await stage.LoadAsync();
        var tensors = torch.Tensor.TotalCount;
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(first.WeightBytes, (await stage.LoadAsync()).WeightBytes);
            Assert.Equal(tensors, torch.Tensor.TotalCount);
        }

        // Other weights, and then the first ones again: what computes is what was loaded last.
        var step = Script.Write()[0];
        await stage.LoadAsync(request => request.DummySeed = Models.Seed + 1);
        await stage.StartAsync();
        var other = (await stage.StepAsync(step)).Slices[0].Logits;
        await stage.LoadAsync();
        await stage.StartAsync();
        await stage.EndAsync();
        using var undisturbed = new LocalPipeline();
        var expected = undisturbed.Step(step);
        Same.Results(expected, await stage.StepAsync(step));
        Assert.NotEqual(expected![0].Logits, other);
    }

    /// <summary>A load that nobody waits for any more is over before the next call begins, and has changed nothing.</summary>
    [Fact]
    public async Task Load_CancelledByTheCaller_KeepsTheShardBefore()
    {
        using var reading = new SemaphoreSlim(0);
        var sources = new FaultySources(onRead: (attempt, _) =>
        {
            if (attempt > 1)
            {
                reading.Release();
                Thread.Sleep(10);
            }
        });
        await using var worker = await StartAsync(sources, TimeProvider.System);
        await using var stage = await TestStage.StartWholeAsync(worker);
        var tensors = torch.Tensor.TotalCount;
        using var leaving = new CancellationTokenSource();
        var loading = stage.LoadAsync(request => request.DummySeed = 1, cancellationToken: leaving.Token);
        await reading.WaitAsync(Eventually.Soon, TestContext.Current.CancellationToken);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loading);
        // Waits for its turn.
        await stage.StartAsync();
        Assert.Equal((2, 2), (sources.Opened, sources.Closed));
        Assert.Equal(tensors, torch.Tensor.TotalCount);
        using var undisturbed = new LocalPipeline();
        var step = Script.Write()[0];
        Same.Results(undisturbed.Step(step), await stage.StepAsync(step));
    }

    /// <summary>The lease's end does not wait for gigabytes: the load stops at its next layer.</summary>
    [Fact]
    public async Task Load_LeaseEndsMeanwhile_StopsAndFreesTheWorker()
    {
        using var reading = new SemaphoreSlim(0);
        var sources = new FaultySources(onRead: (_, _) =>
        {
            reading.Release();
            Thread.Sleep(10);
        });
        await using var worker = await StartAsync(sources, TimeProvider.System);
        var stage = await TestStage.AttachWholeAsync(worker);
        var loading = stage.LoadAsync();
        await reading.WaitAsync(Eventually.Soon, TestContext.Current.CancellationToken);
        await stage.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => loading);
        await Eventually.IsFreeAsync(worker);
        Assert.Equal((1, 1), (sources.Opened, sources.Closed));
    }

    [Fact]
    public async Task Load_StorageFailsForAMoment_IsTriedAgainAndGivesTheSameBits()
    {
        var sources = new FaultySources(
            onOpen: attempt => Fail(attempt == 1, new CheckpointException("a.safetensors cannot be mapped", new IOException("Stale file handle"))),
            onRead: (attempt, read) =>
            {
                Thread.Sleep(2);
                Fail(attempt == 2 && read == 30, new IOException("Input/output error"));
            });
        await using var worker = await StartAsync(sources);
        await using var stage = await TestStage.AttachWholeAsync(worker);
        List<LoadProgress> progress = [];
        await stage.LoadAsync(onProgress: progress.Add);
        Assert.Equal((3, 2), (sources.Opened, sources.Closed));
        Assert.All(progress.Zip(progress.Skip(1)), pair => Assert.True(pair.First.BytesDone <= pair.Second.BytesDone));
        await stage.StartAsync();
        using var undisturbed = new LocalPipeline();
        var step = Script.Write()[0];
        Same.Results(undisturbed.Step(step), await stage.StepAsync(step));
    }

    [Fact]
    public async Task Load_StorageStaysBroken_FailsWithItsLastWordAndLeavesNothing()
    {
        var sources = new FaultySources(onRead: (attempt, read) => Fail(read == 20, new IOException($"Input/output error, attempt {attempt}")));
        await using var worker = await StartAsync(sources);
        await using var stage = await TestStage.AttachWholeAsync(worker);
        using (new LocalPipeline())
        {
        }

        var tensors = torch.Tensor.TotalCount;
        var failure = await Assert.ThrowsAsync<StageException>(() => stage.LoadAsync());
        Refusal.Is(StageError.LoadFailed, "Input/output error, attempt 4", failure);
        Assert.Equal((LoadPolicy.Attempts, LoadPolicy.Attempts), (sources.Opened, sources.Closed));
        Assert.Equal(tensors, torch.Tensor.TotalCount);
    }

    /// <summary>A checkpoint that is wrong stays wrong.</summary>
    [Fact]
    public async Task Load_BadCheckpoint_IsNotTriedAgain()
    {
        var sources = new FaultySources(onOpen: _ => throw new CheckpointException("a.safetensors has a broken header"));
        await using var worker = await StartAsync(sources, TimeProvider.System);
        await using var stage = await TestStage.AttachWholeAsync(worker);
        Refusal.Is(StageError.LoadFailed, "a.safetensors has a broken header", await Assert.ThrowsAsync<StageException>(() => stage.LoadAsync()));
        Assert.Equal(1, sources.Opened);
    }

    private static Task<TestWorker> StartAsync(FaultySources sources, TimeProvider? time = null) =>
        TestWorker.StartAsync(services => services.AddSingleton<IWeightSources>(sources).AddSingleton(time ?? new HurriedTime()));

    private static void Fail(bool now, Exception failure)
    {
        if (now)
        {
            throw failure;
        }
    }
}
