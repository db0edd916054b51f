using Google.Protobuf;
using Pipeline.Protos.Codec;
using Pipeline.Protos.V1;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Tests.HostileBytes;

/// <summary>Requests that nobody meant: a typed answer each, and the worker serves a proper coordinator afterwards.</summary>
public class ControlFuzzTests(ITestOutputHelper output)
{
    private const string Service = "pipeline.v1.StageControl";

    [Fact]
    public async Task Requests_OfAllKinds_AreTakenOrRefusedByType()
    {
        var budget = new FuzzBudget(output);
        var mutations = new Mutations(budget.Seed);
        await using var worker = await TestWorker.StartAsync();
        using var calls = new RawCalls(worker);
        var refused = 0;
        await using (var stage = await TestStage.StartWholeAsync(worker))
        {
            var requests = Requests();
            await Bounded.RunAsync(async () =>
            {
                while (budget.Next())
                {
                    var (method, real) = requests[mutations.Next(requests.Length)];
                    var message = mutations.Next(4) == 0 ? mutations.Random(1024) : mutations.Of(RawCalls.Wire(real));
                    refused += await calls.SendAsync(Service, method, stage.Connection.Lease, [message]) is null ? 0 : 1;
                }
            });
        }

        output.WriteLine($"{budget.Tried} tries, {refused} refused");
        Assert.True(refused > budget.Tried / 3, $"{refused} of {budget.Tried} refused: these are hardly hostile");
        await ServesAsync(worker);
    }

    /// <summary>What no parser takes is told by type too, not as a failure of the server.</summary>
    [Theory]
    [InlineData("Hello")]
    [InlineData("Attach")]
    [InlineData("Load")]
    [InlineData("Start")]
    [InlineData("ProbeRing")]
    [InlineData("ExportSequence")]
    [InlineData("ImportSequence")]
    public async Task Request_ThatNoParserTakes_IsMalformed(string method)
    {
        await using var worker = await TestWorker.StartAsync();
        using var calls = new RawCalls(worker);
        await using var stage = await TestStage.StartWholeAsync(worker);
        var refusal = await calls.SendAsync(Service, method, stage.Connection.Lease, [[0xFF, 0xFF, 0xFF]]);
        Assert.Equal(StageError.Malformed, refusal!.Error);
        Assert.StartsWith("not a ", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_LargerThanTheDevice_IsRefusedBeforeMemoryIsTaken()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachWholeAsync(worker);
        await Bounded.RunAsync(async () =>
        {
            var refusal = await Refusal.OfAsync(() => stage.LoadAsync(request => (request.Model.VocabularySize, request.Model.HiddenSize) = (1 << 24, 1 << 20)));
            Assert.Equal(StageError.OutOfMemory, refusal.Error);
            Assert.StartsWith("layers 0..3 take ", refusal.Message, StringComparison.Ordinal);
            refusal = await Refusal.OfAsync(() => stage.LoadAsync(request => (request.Model.LayerCount, request.LayerEnd) = (int.MaxValue, int.MaxValue)));
            Refusal.Is(StageError.Malformed, "no model has this shape: layer_count is 2147483647", refusal);
            refusal = await Refusal.OfAsync(() => stage.LoadAsync(request => (request.Model.ExpertCount, request.Model.ExpertsPerToken) = (int.MaxValue, 1)));
            Assert.Equal(StageError.Malformed, refusal.Error);
        });
        await stage.LoadAsync();
    }

    [Fact]
    public async Task Start_LargerThanTheDevice_IsRefusedBeforeMemoryIsTaken()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        await Bounded.RunAsync(async () =>
        {
            var refusal = await Refusal.OfAsync(() => stage.StartAsync(change: request => (request.BlockSize, request.Groups[0].BlockCount) = (int.MaxValue, int.MaxValue)));
            Assert.Equal(StageError.OutOfMemory, refusal.Error);
            refusal = await Refusal.OfAsync(() => stage.StartAsync(change: request => request.MaxBatchTokens = int.MaxValue));
            Assert.Equal(StageError.BatchTooLarge, refusal.Error);
        });
        using var undisturbed = new LocalPipeline();
        var step = Script.Write()[0];
        Same.Results(undisturbed.Step(step), await stage.StepAsync(step));
    }

    /// <summary>Load names a folder that is not there: a shape that fits by chance shall not be loaded for minutes.</summary>
    private static (string Method, IMessage Real)[] Requests() =>
    [
        ("Hello", new HelloRequest { ProtocolVersion = ProtocolVersion.Current }),
        ("Attach", new AttachRequest { ProtocolVersion = ProtocolVersion.Current, Coordinator = "fuzz", StageIndex = 0, StageCount = 1 }),
        ("Load", new LoadRequest { Model = ModelShapeCodec.ToWire(Models.Config), Directory = "/nowhere", StageCount = 1, LayerEnd = Models.Config.LayerCount, ComputeType = ElementType.Float32, Threads = 1, Kernels = "auto" }),
        ("Start", TestStage.StartOf()),
        ("ProbeRing", new ProbeRingRequest { Address = $"{Guid.NewGuid()}/1/2/4096/{Guid.NewGuid():N}" }),
        ("ExportSequence", new ExportSequenceRequest { Epoch = 1, Sequence = 1 }),
        ("ImportSequence", new SequencePiece
        {
            Header = new SequenceHeader
            {
                Epoch = 1, Sequence = 5, Length = 3, Tokens = { 1, 2, 3 }, LayerEnd = Models.Config.LayerCount, ElementType = ElementType.Float32,
                KvHeadCount = Models.Config.KvHeadCount, HeadDim = Models.Config.HeadDim, BlockUpdates = { 0, 0, 0, 1, 0, 0 }, DataBytes = 1 << 20,
            },
            Data = ByteString.CopyFrom(new byte[64]),
        }),
    ];

    private static async Task ServesAsync(TestWorker worker)
    {
        await Eventually.IsFreeAsync(worker);
        await using var stage = await TestStage.StartWholeAsync(worker);
        using var undisturbed = new LocalPipeline();
        foreach (var step in Script.Write())
        {
            Same.Results(undisturbed.Step(step), await stage.StepAsync(step));
        }
    }
}
