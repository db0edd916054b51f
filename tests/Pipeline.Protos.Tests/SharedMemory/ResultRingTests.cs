using System.Collections.Concurrent;
using Pipeline.Protos.Codec;
using Pipeline.Protos.SharedMemory;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Tests.SharedMemory;

/// <summary>Results come in the order in which they were written, whichever way each of them took.</summary>
[Collection("rings")] // one counts what the process holds
public class ResultRingTests
{
    private const int Count = 1000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Results_LargeOnesBetween_KeepTheirOrder()
    {
        await using var reader = ResultReader.Create();
        using var writer = ResultWriter.Open(reader.Address);
        using BlockingCollection<MicrobatchResult> results = [];
        reader.Start(results.Add, _ => results.CompleteAdding(), TimeSpan.Zero);
        var writing = Task.Run(
            () =>
            {
                for (var step = 0; step < Count; step++)
                {
                    var result = Result(step);
                    if (!writer.Write(ResultCodec.ToWire(result), Token))
                    {
                        Assert.True(IsLarge(step));
                        reader.AddElsewhere(result);
                    }
                }
            },
            Token);

        for (var step = 0; step < Count; step++)
        {
            Assert.True(results.TryTake(out var result, TimeSpan.FromSeconds(30)), $"result {step} did not come");
            Assert.Equal(CanonicalText.Of(Result(step)), CanonicalText.Of(result));
        }

        await writing;
    }

    [Fact]
    public async Task Dispose_WhileAResultIsAwaitedElsewhere_Ends()
    {
        var reader = ResultReader.Create();
        using var writer = ResultWriter.Open(reader.Address);
        StageException? failure = null;
        reader.Start(_ => { }, exception => failure = exception, TimeSpan.Zero);
        Assert.False(writer.Write(ResultCodec.ToWire(Result(7)), Token));
        await reader.DisposeAsync();
        Assert.Null(failure);
    }

    [Fact]
    public async Task Dispose_BeforeTheStart_Ends() => await ResultReader.Create().DisposeAsync();

    private static bool IsLarge(int step) => step % 97 == 7;

    private static MicrobatchResult Result(int step) => new(
        new PlanEpoch(1), step, new MicrobatchId(0), [new SliceResult { Sequence = new SequenceId(1), Logits = new float[IsLarge(step) ? 100_000 : 3] }]);
}
