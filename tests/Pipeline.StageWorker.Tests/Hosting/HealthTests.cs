using System.Runtime.InteropServices;
using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.Extensions.DependencyInjection;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Loading;
using Pipeline.StageWorker.Tests.Loading;
using Pipeline.TestKit.Time;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace Pipeline.StageWorker.Tests.Hosting;

/// <summary>The standard health service: alive always, ready from start to the end of the lease.</summary>
public class HealthTests
{
    [Fact]
    public async Task Check_EveryState_IsAliveAndAvailableAndReadyOnlyWhenStarted()
    {
        await using var worker = await TestWorker.StartAsync();
        Assert.Equal((true, false, true), await CheckAllAsync(worker));
        await using (var stage = await TestStage.AttachWholeAsync(worker))
        {
            Assert.Equal((true, false, true), await CheckAllAsync(worker));
            await stage.LoadAsync();
            Assert.Equal((true, false, true), await CheckAllAsync(worker));
            await stage.StartAsync();
            Assert.Equal((true, true, true), await CheckAllAsync(worker));
            await stage.StepAsync(Script.Write()[0]);
            Assert.Equal((true, true, true), await CheckAllAsync(worker));
            await stage.LoadAsync();
            Assert.Equal((true, false, true), await CheckAllAsync(worker));
            await stage.StartAsync();
        }

        await Eventually.IsFreeAsync(worker);
        Assert.Equal((true, false, true), await CheckAllAsync(worker));
    }

    /// <summary>A rollout waits for a shard that is being loaded, and for nothing that other stages have yet to do.</summary>
    [Fact]
    public async Task Check_Loading_IsNotAvailable()
    {
        using var go = new ManualResetEventSlim();
        var sources = new FaultySources(onRead: (_, _) => go.Wait(Token));
        await using var worker = await TestWorker.StartAsync(replace: services => services.AddSingleton<IWeightSources>(sources));
        await using var stage = await TestStage.AttachWholeAsync(worker);
        Assert.Equal((true, false, true), await CheckAllAsync(worker));
        var loading = stage.LoadAsync();
        await Eventually.HoldsAsync(async () => await CheckAllAsync(worker) == (true, false, false), "the load to be seen");
        go.Set();
        await loading;
        Assert.Equal((true, false, true), await CheckAllAsync(worker));
    }

    /// <summary>An error that lasts is told to whoever asks, and to the next coordinator before it loads anything.</summary>
    [Fact]
    public async Task Check_DeviceLost_IsNeitherAliveNorReady()
    {
        var sources = new FaultySources(onRead: (_, _) => throw new LostDevice());
        await using var worker = await TestWorker.StartAsync(replace: services => services.AddSingleton<IWeightSources>(sources));
        await using (var stage = await TestStage.AttachWholeAsync(worker))
        {
            var refusal = await Refusal.OfAsync(() => stage.LoadAsync());
            Refusal.Is(StageError.DeviceLost, "cannot load the shard: CUDA error: unspecified launch failure", refusal);
        }

        await Eventually.IsFreeAsync(worker);
        Assert.Equal((false, false, false), await CheckAllAsync(worker));
        var next = await Refusal.OfAsync(() => TestStage.AttachWholeAsync(worker));
        Refusal.Is(StageError.DeviceLost, "this worker has lost its device and must be started anew: cannot load the shard: CUDA error: unspecified launch failure", next);
    }

    /// <summary>A device that hangs gives nothing back; ten minutes of the product's time after its coordinator has left that is said, for here it is a CPU.</summary>
    [Fact]
    public async Task Check_WorkThatNeverEnds_IsNotAlive()
    {
        using var go = new ManualResetEventSlim();
        await using var worker = await TestWorker.StartAsync(replace: services => services.AddSingleton<TimeProvider>(new HurriedTime(haste: 200)));
        await using (await TestStage.StartWholeAsync(worker))
        {
            _ = worker.Session!.Thread.RunAsync(() => go.WaitHandle.WaitOne());
        }

        await Eventually.HoldsAsync(async () => await CheckAllAsync(worker) == (false, false, false), "the hung device to be seen");
        var next = await Refusal.OfAsync(() => TestStage.AttachWholeAsync(worker));
        Refusal.Is(StageError.DeviceLost, "this worker has lost its device and must be started anew: what it computed for its last coordinator has not ended for 600 s", next);

        // Only slow: it has ended after all.
        go.Set();
        await Eventually.IsFreeAsync(worker);
        Assert.Equal((true, false, true), await CheckAllAsync(worker));
    }

    /// <summary>As libtorch throws it.</summary>
    private sealed class LostDevice() : ExternalException("CUDA error: unspecified launch failure\nsearch for help online");

    [Fact]
    public async Task Check_UnknownService_IsNotFound()
    {
        await using var worker = await TestWorker.StartAsync();
        var refusal = await Assert.ThrowsAsync<RpcException>(() => CheckAsync(worker, "coffee"));
        Assert.Equal(StatusCode.NotFound, refusal.StatusCode);
    }

    [Fact]
    public async Task Watch_Readiness_TellsEveryChangeSoon()
    {
        await using var worker = await TestWorker.StartAsync();
        using var watch = new Health.HealthClient(worker.Channel).Watch(new HealthCheckRequest { Service = "readiness" }, cancellationToken: Token);
        Assert.Equal(ServingStatus.NotServing, await NextAsync(watch));
        await using (await TestStage.StartWholeAsync(worker))
        {
            Assert.Equal(ServingStatus.Serving, await ChangeAsync(watch));
        }

        Assert.Equal(ServingStatus.NotServing, await ChangeAsync(watch));
    }

    [Fact]
    public async Task Watch_Liveness_IsServingAndEndsWithTheWorker()
    {
        await using var worker = await TestWorker.StartAsync();
        using var watch = new Health.HealthClient(worker.Channel).Watch(new HealthCheckRequest { Service = "liveness" }, cancellationToken: Token);
        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));
        await worker.StopAsync().WaitAsync(Eventually.Soon, Token);
    }

    [Fact]
    public async Task Watch_UnknownService_IsToldSo()
    {
        await using var worker = await TestWorker.StartAsync();
        using var watch = new Health.HealthClient(worker.Channel).Watch(new HealthCheckRequest { Service = "coffee" }, cancellationToken: Token);
        Assert.Equal(ServingStatus.ServiceUnknown, await NextAsync(watch));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<(bool Alive, bool Ready, bool Available)> CheckAllAsync(TestWorker worker) =>
        (await IsServingAsync(worker, "liveness"), await IsServingAsync(worker, "readiness"), await IsServingAsync(worker, "availability"));

    private static async Task<bool> IsServingAsync(TestWorker worker, string service) => await CheckAsync(worker, service) == ServingStatus.Serving;

    private static async Task<ServingStatus> CheckAsync(TestWorker worker, string service) =>
        (await new Health.HealthClient(worker.Channel).CheckAsync(new HealthCheckRequest { Service = service }, cancellationToken: Token)).Status;

    /// <summary>The next other status: who begins to watch before the first round of checks is told the first one twice.</summary>
    private static async Task<ServingStatus> ChangeAsync(AsyncServerStreamingCall<HealthCheckResponse> watch)
    {
        var before = watch.ResponseStream.Current.Status;
        ServingStatus next;
        do
        {
            next = await NextAsync(watch);
        }
        while (next == before);
        return next;
    }

    private static async Task<ServingStatus> NextAsync(AsyncServerStreamingCall<HealthCheckResponse> watch)
    {
        Assert.True(await watch.ResponseStream.MoveNext(Token).WaitAsync(Eventually.Soon, Token));
        return watch.ResponseStream.Current.Status;
    }
}
