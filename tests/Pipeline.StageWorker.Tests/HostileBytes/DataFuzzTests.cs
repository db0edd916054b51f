using Google.Protobuf;
using Pipeline.Protos.Codec;
using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Tests.HostileBytes;

/// <summary>Frames that nobody meant, into a stage that is ready for good ones: a typed error each, and the next proper run gives the right bits.</summary>
public class DataFuzzTests(ITestOutputHelper output)
{
    private const int TriesPerEpoch = 5;
    private const string Service = "pipeline.v1.StageData";
    private static readonly PlanEpoch Fresh = new(1_000_000);
    private static readonly ShardAssignment Last = new(1, 2, new LayerRange(2, 4));

    [Fact]
    public Task Forward_IntoTheFirstStage_IsTakenOrRefusedByType() => FuzzAsync(TestStage.Whole, [.. Script.Write().Select(step => Frame(step, null))]);

    [Fact]
    public Task Forward_IntoALaterStage_IsTakenOrRefusedByType()
    {
        using var first = new LocalPipeline(Shared.Models.ElementType.Float32, 2, 2);
        List<byte[]> frames = [];
        foreach (var step in Script.Write())
        {
            using var hidden = first.FirstHidden(step);
            frames.Add(Frame(step, hidden));
        }

        return FuzzAsync(Last, frames);
    }

    [Fact]
    public async Task Forward_Oversized_IsRefusedBeforeMemoryIsTaken()
    {
        await using var worker = await TestWorker.StartAsync();
        using var calls = new RawCalls(worker);
        await using var stage = await TestStage.StartWholeAsync(worker);
        await Bounded.RunAsync(async () =>
        {
            var refusal = await calls.SendAsync(Service, "Forward", stage.Connection.Lease, [new byte[20 << 20]]);
            Assert.Equal(StageError.BatchTooLarge, refusal!.Error);
            // 2 GiB announced, nothing sent.
            refusal = await calls.SendAsync(Service, "Forward", stage.Connection.Lease, [[0x22, 0xFF, 0xFF, 0xFF, 0xFF, 0x07]]);
            Assert.Equal(StageError.Malformed, refusal!.Error);
        });
    }

    private async Task FuzzAsync(ShardAssignment assignment, IReadOnlyList<byte[]> frames)
    {
        var budget = new FuzzBudget(output);
        var mutations = new Mutations(budget.Seed);
        await using var worker = await TestWorker.StartAsync();
        using var calls = new RawCalls(worker);
        await using var stage = await TestStage.StartAsync(worker, assignment);
        var refused = 0;
        await Bounded.RunAsync(async () =>
        {
            while (budget.Next())
            {
                if (budget.Tried % TriesPerEpoch == 0)
                {
                    await stage.StartAsync();
                }

                refused += await calls.SendAsync(Service, "Forward", stage.Connection.Lease, Messages(mutations, frames)) is null ? 0 : 1;
            }
        });
        output.WriteLine($"{budget.Tried} tries, {refused} refused");
        Assert.True(refused > budget.Tried / 3, $"{refused} of {budget.Tried} refused: these are hardly hostile");
        await ServesAsync(stage, assignment);
    }

    /// <summary>Some good frames at times, then one that is not: the spoiled one meets a stage in the middle of its work.</summary>
    private static List<byte[]> Messages(Mutations mutations, IReadOnlyList<byte[]> frames)
    {
        var good = mutations.Next(3);
        var messages = frames.Take(good).ToList();
        messages.Add(mutations.Next(4) == 0 ? mutations.Random(4096) : mutations.Of(frames[Math.Min(good, frames.Count - 1)]));
        return messages;
    }

    /// <summary>A new epoch after all this: the bits of a run that nobody disturbed.</summary>
    private static async Task ServesAsync(TestStage stage, ShardAssignment assignment)
    {
        await stage.StartAsync(change: request => request.Epoch = Fresh.Value);
        using var whole = assignment.IsFirst ? new LocalPipeline() : new LocalPipeline(Shared.Models.ElementType.Float32, 2, 2);
        using var first = new LocalPipeline(Shared.Models.ElementType.Float32, 2, 2);
        foreach (var step in Script.Write())
        {
            using var hidden = assignment.IsFirst ? null : first.FirstHidden(step);
            await stage.SendAsync(step with { Epoch = Fresh }, hidden);
            var result = await stage.ResultAsync();
            while (result.Epoch != Fresh)
            {
                // Of a spoiled step that was good enough.
                result = await stage.ResultAsync();
            }

            Same.Results(whole.Step(step), result);
        }
    }

    private static byte[] Frame(Microbatch step, HiddenStates? hidden)
    {
        var frame = new ForwardFrame { Microbatch = MicrobatchCodec.ToWire(step) };
        if (hidden is not null)
        {
            frame.Hidden = new TensorHeader { ElementType = ElementTypeCodec.ToWire(hidden.ElementType), Rows = hidden.Rows, Width = hidden.Width };
            frame.Data = ByteString.CopyFrom(hidden.Bytes.Span);
        }

        return RawCalls.Wire(frame);
    }
}
