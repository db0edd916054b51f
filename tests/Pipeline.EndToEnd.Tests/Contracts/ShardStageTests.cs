using Pipeline.Shared.Batching;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>A real shard, the last of two, in this process.</summary>
public sealed class ShardStageTests : HiddenStageContract
{
    [Fact]
    public async Task Forward_AfterARefusedStep_GoesOnAsIfNothingHadHappened()
    {
        await using var disturbed = await CreateAsync();
        await using var calm = await CreateAsync();
        var steps = Steps(6).ToList();

        var expected = await LogitsAsync(calm.Stage, steps);
        var first = await LogitsAsync(disturbed.Stage, steps[..3]);
        await Assert.ThrowsAsync<StageException>(() => LogitsAsync(disturbed.Stage, steps[4..]));
        var rest = await LogitsAsync(disturbed.Stage, steps[3..]);

        Assert.Equal(expected, first.Concat(rest));
    }

    // Two outputs wait, a third cannot be handed over, the next input has been read and one more is asked for.
    private protected override async Task<StageUnderTest> CreateAsync()
    {
        var shards = new LocalShards(ModelFolder, Cache, MaxChunk);
        var stage = await shards.LoadAsync(new ShardAssignment(1, 2, new LayerRange(3, 6)));
        return new StageUnderTest(stage, InputsAhead: 5, shards.DisposeAsync);
    }

    private static async Task<IReadOnlyList<float[]>> LogitsAsync(IStage stage, IEnumerable<Microbatch> steps)
    {
        List<float[]> logits = [];
        var raw = steps.Select(step => step with { Slices = [.. step.Slices.Select(slice => slice with { Logits = LogitsRequest.Raw })] });
        await foreach (var output in stage.ForwardAsync(new InputFeed(raw, Input).ReadAsync(CancellationToken.None), TestContext.Current.CancellationToken))
        {
            logits.Add(output.Result!.Slices[0].Logits!);
        }

        return logits;
    }

    private static StageInput Input(Microbatch microbatch)
    {
        var hidden = HiddenStates.Rent(microbatch.TokenCount, Model.HiddenSize, Shared.Models.ElementType.Float32);
        var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(hidden.Bytes.Span);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = MathF.Sin(i + microbatch.Step);
        }

        return new StageInput(microbatch, hidden);
    }
}
