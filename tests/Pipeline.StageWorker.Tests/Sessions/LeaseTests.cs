using Grpc.Core;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Codec;
using Pipeline.Protos.Framing;
using Pipeline.Protos.V1;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;
using TorchSharp;

namespace Pipeline.StageWorker.Tests.Sessions;

/// <summary>Who holds the worker, and what is left when he goes: nothing.</summary>
public class LeaseTests
{
    [Fact]
    public async Task Attach_WhileHeld_IsRefusedAndNamesTheHolder()
    {
        await using var worker = await TestWorker.StartAsync();
        Assert.False(await worker.IsInUseAsync());
        await using (await TestStage.AttachAsync(worker, new ShardAssignment(1, 2, new LayerRange(2, 4))))
        {
            Assert.True(await worker.IsInUseAsync());
            var refusal = await Assert.ThrowsAsync<StageException>(() => TestStage.AttachWholeAsync(worker));
            Refusal.Is(StageError.AlreadyInUse, "this worker already serves coordinator test as stage 1", refusal);
            Assert.Equal(0, refusal.StageIndex);
            Assert.True(await worker.IsInUseAsync());
        }

        await Eventually.IsFreeAsync(worker);
        await using var next = await TestStage.AttachWholeAsync(worker);
    }

    /// <summary>A coordinator that was cut off comes back and goes on as if nothing had been: it is turned away, and the new one is not disturbed.</summary>
    [Fact]
    public async Task Call_UnderAnEarlierLease_IsRefusedAndDisturbsNobody()
    {
        await using var worker = await TestWorker.StartAsync();
        var before = await TestStage.StartWholeAsync(worker);
        var stale = before.Connection.Lease;
        await before.DisposeAsync();
        await Eventually.IsFreeAsync(worker);

        await using var stage = await TestStage.StartWholeAsync(worker);
        Assert.True(stage.Connection.Lease > stale);
        using var undisturbed = new LocalPipeline();
        var steps = Script.Write();
        Same.Results(undisturbed.Step(steps[0]), await stage.StepAsync(steps[0]));
        foreach (var call in StaleCalls(worker, LeaseHeaders.Of(stale)).Concat(StaleCalls(worker, LeaseHeaders.Of(stage.Connection.Lease + 1))))
        {
            var refusal = await Refusal.OfAsync(call);
            Assert.Equal((StageError.StaleLease, 0), (refusal.Error, refusal.StageIndex));
            Assert.EndsWith($"; this worker serves coordinator test under lease {stage.Connection.Lease}", refusal.Message, StringComparison.Ordinal);
        }

        foreach (var call in StaleCalls(worker, []))
        {
            Assert.StartsWith("the call is made under no lease; ", (await Refusal.OfAsync(call)).Message, StringComparison.Ordinal);
        }

        Same.Results(undisturbed.Step(steps[1]), await stage.StepAsync(steps[1]));
    }

    /// <summary>A worker that is started anew has forgotten whom it served; its numbers go on all the same.</summary>
    [Fact]
    public async Task Lease_OfAWorkerStartedAnew_IsAnother()
    {
        long before;
        await using (var worker = await TestWorker.StartAsync())
        {
            await using var stage = await TestStage.AttachWholeAsync(worker);
            before = stage.Connection.Lease;
        }

        await using var anew = await TestWorker.StartAsync();
        await using var next = await TestStage.AttachWholeAsync(anew);
        Assert.True(next.Connection.Lease > before);
    }

    /// <summary>A coordinator behind a cut cable says nothing, not even goodbye: pings that nobody answers end its lease.</summary>
    [Fact]
    public async Task Holder_WhoVanishes_IsNotWaitedForLonger()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var relay = new SilentRelay(worker.Address);
        await using var vanished = new StageConnection(relay.Address, 0, null);
        await vanished.AttachAsync("vanished", 1, new StageEventHandlers(_ => { }, _ => { }, _ => { }), Token);
        relay.FallSilent();
        var refusal = await Assert.ThrowsAsync<StageException>(() => TestStage.AttachWholeAsync(worker));
        Refusal.Is(StageError.AlreadyInUse, "this worker already serves coordinator vanished as stage 0", refusal);
        // Half a minute: ten seconds of silence, twenty for an answer to the ping.
        for (var i = 0; i < 900 && await worker.IsInUseAsync(); i++)
        {
            await Task.Delay(100, Token);
        }

        await using var next = await TestStage.StartWholeAsync(worker);
        Assert.True(next.Connection.Lease > vanished.Lease);
    }

    private static IEnumerable<Func<Task>> StaleCalls(TestWorker worker, Metadata headers) =>
    [
        async () =>
        {
            using var load = worker.Control.Load(new LoadRequest(), headers, cancellationToken: Token);
            await load.ResponseStream.MoveNext(Token);
        },
        async () => await worker.Control.StartAsync(TestStage.StartOf(change: request => request.Epoch = 9), headers, cancellationToken: Token),
        async () =>
        {
            using var export = worker.Control.ExportSequence(new ExportSequenceRequest { Epoch = 1, Sequence = 1 }, headers, cancellationToken: Token);
            await export.ResponseStream.MoveNext(Token);
        },
        async () =>
        {
            using var import = worker.Control.ImportSequence(headers, cancellationToken: Token);
            await import.ResponseAsync;
        },
        async () =>
        {
            using var forward = worker.Channel.CreateCallInvoker().AsyncClientStreamingCall(StageDataMethods.Forward, null, new CallOptions(headers, cancellationToken: Token));
            await forward.ResponseAsync;
        },
    ];

    [Theory]
    [InlineData(0)]
    [InlineData(ProtocolVersion.Current - 1)]
    [InlineData(ProtocolVersion.Current + 1)]
    public async Task Attach_OtherProtocolVersion_IsRefusedWithBothVersions(int version)
    {
        await using var worker = await TestWorker.StartAsync();
        using var call = worker.Control.Attach(new AttachRequest { ProtocolVersion = version, Coordinator = "old", StageCount = 1 }, cancellationToken: Token);
        var refusal = await Refusal.OfAsync(() => call.ResponseStream.MoveNext(Token));
        Refusal.Is(StageError.ProtocolMismatch, $"the coordinator speaks protocol version {version}, this worker speaks {ProtocolVersion.Current}", refusal);
        Assert.False(await worker.IsInUseAsync());
    }

    /// <summary>The second and third coordinator find the worker as the first did: no tensor is left, and the bits are the same.</summary>
    [Fact]
    public async Task End_AfterARun_LeavesNothingAndTheNextRunGivesTheSameBits()
    {
        await using var worker = await TestWorker.StartAsync();
        var before = 0L;
        for (var coordinator = 0; coordinator < 3; coordinator++)
        {
            using (var undisturbed = new LocalPipeline())
            {
                await using var stage = await TestStage.StartWholeAsync(worker);
                foreach (var step in Script.Write())
                {
                    Same.Results(undisturbed.Step(step), await stage.StepAsync(step));
                }
            }

            await Eventually.IsFreeAsync(worker);
            // What the library keeps for itself, it has by the end of the first run.
            before = coordinator == 0 ? torch.Tensor.TotalCount : before;
            Assert.Equal(before, torch.Tensor.TotalCount);
        }
    }

    /// <summary>A coordinator that dies in the middle of a step leaves no less behind than one that says goodbye.</summary>
    [Fact]
    public async Task End_WithAStreamOpen_FreesTheShard()
    {
        await using var worker = await TestWorker.StartAsync();
        using (new LocalPipeline())
        {
        }

        var before = torch.Tensor.TotalCount;
        var stage = await TestStage.StartWholeAsync(worker);
        Assert.True(torch.Tensor.TotalCount > before);
        await stage.SendAsync(Script.Write()[0]);
        await stage.DisposeAsync();
        await Eventually.IsFreeAsync(worker);
        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    /// <summary>Both ends free the session; when they met, each used to wait for the other.</summary>
    [Fact]
    public async Task End_WhileTheHostIsDisposed_Ends()
    {
        for (var i = 0; i < 8; i++)
        {
            var worker = await TestWorker.StartAsync();
            var stage = await TestStage.StartWholeAsync(worker);
            await stage.StepAsync(Script.Write()[0]);
            var ending = Task.Run(() => stage.DisposeAsync().AsTask(), Token);
            var stopping = Task.Run(() => worker.DisposeAsync().AsTask(), Token);
            await Task.WhenAll(ending, stopping).WaitAsync(Eventually.Soon, Token);
        }
    }

    /// <summary>The end of a lease waits for the call that works under it; a start that looks for its neighbour must not keep it.</summary>
    [Fact]
    public async Task End_WhileAStartWaitsForItsNeighbour_IsNotHeldUp()
    {
        await using var worker = await TestWorker.StartAsync();
        var stage = await TestStage.AttachAsync(worker, new ShardAssignment(0, 2, new LayerRange(0, 2)));
        await stage.LoadAsync();
        // On a connection of its own, which lives on when that of the lease goes.
        var starting = worker.Control.StartAsync(TestStage.StartOf("127.0.0.1:1"), LeaseHeaders.Of(stage.Connection.Lease), cancellationToken: Token).ResponseAsync;
        await Task.Delay(100, Token);
        Assert.False(starting.IsCompleted);
        await stage.DisposeAsync();
        await Eventually.IsFreeAsync(worker);
        Refusal.Is(StageError.NotReady, "the lease has ended or the stage is stopping", await Refusal.OfAsync(() => starting));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
