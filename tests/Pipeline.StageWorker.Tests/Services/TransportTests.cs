using System.Globalization;
using Grpc.Core;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Framing;
using Pipeline.Protos.SharedMemory;
using Pipeline.Protos.V1;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;
using HopTransport = Pipeline.Shared.Stages.HopTransport;
using Wire = Pipeline.Protos.V1.HopTransport;

namespace Pipeline.StageWorker.Tests.Services;

/// <summary>How a stage agrees with its neighbours on shared memory, and what it does where there is none.</summary>
public class TransportTests
{
    private static readonly ShardAssignment First = new(0, 2, new LayerRange(0, 2));
    private static readonly ShardAssignment Last = new(1, 2, new LayerRange(2, 4));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Wire.Auto, Wire.Ipc)]
    [InlineData(Wire.Ipc, Wire.Ipc)]
    [InlineData(Wire.Grpc, Wire.Grpc)]
    public async Task Start_NextStageOnThisHost_UsesWhatIsAsked(Wire asked, Wire used)
    {
        await using var workers0 = await TestWorker.StartAsync();
        await using var workers1 = await TestWorker.StartAsync();
        await using var last = await TestStage.StartAsync(workers1, Last);
        await using var first = await TestStage.AttachAsync(workers0, First);
        await first.LoadAsync();
        var reply = await first.StartAsync(last, request => request.Transport = asked);
        Assert.Equal((used, ""), (reply.Transport, reply.TransportReason));
        using var whole = new LocalPipeline();
        foreach (var step in Script.Write())
        {
            await first.SendAsync(step);
            Same.Results(whole.Step(step), await last.ResultAsync());
        }

        await first.CompleteAsync();
    }

    [Fact]
    public async Task Start_ResultRingOutOfReach_IsSaidAndEventsBringTheResults()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachWholeAsync(worker);
        await stage.LoadAsync();
        var reply = await stage.StartAsync(change: request => request.ResultRing = "elsewhere/1/2/3/00000000000000000000000000000000");
        Assert.Equal((Wire.Grpc, "the two processes are on different hosts"), (reply.Transport, reply.TransportReason));
        using var whole = new LocalPipeline();
        var step = Script.Write()[0];
        Same.Results(whole.Step(step), await stage.StepAsync(step));
    }

    [Fact]
    public async Task Start_ResultRingOutOfReachButDemanded_IsRefusedWithTheReason()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachWholeAsync(worker);
        await stage.LoadAsync();
        var refusal = await Refusal.OfAsync(() => stage.StartAsync(change: request => (request.Transport, request.ResultRing) = (Wire.Ipc, "nonsense")));
        Refusal.Is(StageError.Unreachable, "no shared memory with the coordinator: 'nonsense' is no address of a ring", refusal);
    }

    [Fact]
    public async Task Forward_RingOutOfReach_IsRefusedWithTheReason()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        string gone;
        using (var ring = RingWriter.CreateForTokens())
        {
            gone = ring.Address;
        }

        using var call = Open(worker, stage, gone);
        var refusal = await Refusal.OfAsync(async () => await call.ResponseAsync);
        Assert.Equal(StageError.Unreachable, refusal.Error);
        Assert.StartsWith("no shared memory with the sender: ", refusal.Message, StringComparison.Ordinal);
        using var whole = new LocalPipeline();
        var step = Script.Write()[0];
        Same.Results(whole.Step(step), await stage.StepAsync(step));
    }

    /// <summary>Nobody begins to read such a stream: its memory has to be given back all the same.</summary>
    [Fact]
    public async Task Forward_NextStageGone_LeavesNoMemoryOfTheRing()
    {
        const int OddRows = 12_347; // no other ring has this length
        await using var worker = await TestWorker.StartAsync();
        await using var first = await TestStage.AttachAsync(worker, First);
        await first.LoadAsync();
        await using (var gone = await TestWorker.StartAsync())
        await using (var last = await TestStage.StartAsync(gone, Last))
        {
            await first.StartAsync(last, request => request.Transport = Wire.Ipc);
        }

        long length;
        using (var ring = RingWriter.Create(OddRows, 64, Pipeline.Shared.Models.ElementType.Float32))
        {
            length = long.Parse(ring.Address.Split('/')[^2], CultureInfo.InvariantCulture);
            Assert.Equal(1, MappingsOf(length));
            using var call = Open(worker, first, ring.Address);
            Assert.Equal(StageError.StageLost, (await Refusal.OfAsync(async () => await call.ResponseAsync)).Error);
            await Eventually.HoldsAsync(() => Task.FromResult(MappingsOf(length) == 1), "the reader's mapping to go");
        }

        Assert.Equal(0, MappingsOf(length));
    }

    [Fact]
    public async Task Forward_FrameBesideARing_IsRefused()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        using var ring = RingWriter.CreateForTokens();
        using var call = Open(worker, stage, ring.Address);
        await call.RequestStream.WriteAsync(new ForwardPiece { Microbatch = new MicrobatchHeader { Epoch = 1, Step = 1 } }, Token);
        Refusal.Is(
            StageError.Malformed, "a frame in the call although the steps come through shared memory", await Refusal.OfAsync(async () => await call.ResponseAsync));
    }

    /// <summary>A sender that dies takes its call with it: the stage is free for the next one.</summary>
    [Fact]
    public async Task Forward_SenderOfARingIsGone_FreesTheStage()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        using var whole = new LocalPipeline();
        var steps = Script.Write();
        await using (var call = await ForwardCall.OpenAsync(worker.Channel.CreateCallInvoker(), 0, stage.Connection.Lease, RingWriter.CreateForTokens, Token))
        {
            await call.SendAsync(steps[0], null, Token);
            Same.Results(whole.Step(steps[0]), await stage.ResultAsync());
        }

        await Eventually.HoldsAsync(async () => await IsStreamFreeAsync(worker, stage), "the end of the stream");
        Same.Results(whole.Step(steps[1]), await stage.StepAsync(steps[1]));
    }

    [Fact]
    public async Task Decide_WorkerOnThisHost_FollowsTheWish()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var connection = new StageConnection(worker.Address, 3, null);
        Assert.Equal(new TransportChoice(HopTransport.Ipc, ""), await TransportChoice.DecideAsync(HopTransport.Ipc, connection, Token));
        Assert.Equal("'x' is no address of a ring", (await connection.ProbeRingAsync("x", default, Token)).Refusal);
        Assert.Equal(TransportChoice.Network, await TransportChoice.DecideAsync(HopTransport.Grpc, connection, Token));
    }

    /// <summary>Places at which this process sees a ring of that length.</summary>
    private static int MappingsOf(long length) => File.ReadLines("/proc/self/maps").Where(line => line.Contains("memfd:pipeline-ring", StringComparison.Ordinal)).Count(line =>
    {
        var ends = line.Split(' ')[0].Split('-').Select(end => long.Parse(end, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)).ToList();
        return ends[1] - ends[0] == length;
    });

    private static async Task<bool> IsStreamFreeAsync(TestWorker worker, TestStage stage)
    {
        await using var probe = await ForwardCall.OpenAsync(worker.Channel.CreateCallInvoker(), 0, stage.Connection.Lease, null, Token);
        try
        {
            await probe.CompleteAsync();
            return true;
        }
        catch (StageException exception) when (exception.Error == StageError.AlreadyInUse)
        {
            return false;
        }
    }

    private static AsyncClientStreamingCall<ForwardPiece, ForwardSummary> Open(TestWorker worker, TestStage stage, string ring)
    {
        var headers = LeaseHeaders.Of(stage.Connection.Lease);
        RingHeaders.Offer(headers, ring);
        return worker.Channel.CreateCallInvoker().AsyncClientStreamingCall(StageDataMethods.Forward, null, new CallOptions(headers, cancellationToken: Token));
    }
}
