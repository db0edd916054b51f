using Pipeline.EndToEnd.Tests.Serving.Load;

namespace Pipeline.EndToEnd.Tests.Recovery;

/// <summary>
/// Stages die in the middle of a stream, and the client notices a pause. The CPU kernels compute the same bits whatever the batch,
/// so that the text is compared with that of an undisturbed run to the last character.
/// </summary>
public sealed class StageLossTests(RecoveringServer shared) : IClassFixture<RecoveringServer>
{
    private const int Tokens = 400;

    // Early enough that most of the answer is still to come, late enough that some of it must not come twice.
    private const int Early = 5;
    private const int Later = 60;

    private static readonly CompletionCall Greedy = Call(0);
    private static readonly CompletionCall Seeded = Call(0.9);

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    public async Task Killed_WhileStreaming_TextIsThatOfAnUndisturbedRun(int stage, bool samples)
    {
        var call = samples ? Seeded : Greedy;
        var expected = await WatchedStream.ReadAsync(shared.Server, call);
        var before = Recoveries;

        var actual = await WatchedStream.ReadAsync(shared.Server, call, (Early, () => shared.Workers.KillAsync(stage)));

        Assert.Equal(expected, actual);
        Assert.Equal(before + 1, Recoveries);
        await shared.AssertWholeAsync();
    }

    [Fact]
    public async Task KilledTwice_InOneStream_TextIsThatOfAnUndisturbedRun()
    {
        var expected = await WatchedStream.ReadAsync(shared.Server, Seeded);

        var actual = await WatchedStream.ReadAsync(shared.Server, Seeded, (Early, () => shared.Workers.KillAsync(1)), (Later, () => shared.Workers.KillAsync(1)));

        Assert.Equal(expected, actual);
        await shared.AssertWholeAsync();
    }

    [Fact]
    public async Task TwoKilledAtOnce_TextIsThatOfAnUndisturbedRun()
    {
        var expected = await WatchedStream.ReadAsync(shared.Server, Greedy);

        var actual = await WatchedStream.ReadAsync(shared.Server, Greedy, (Early, () => shared.Workers.KillAsync(0, 2)));

        Assert.Equal(expected, actual);
        await shared.AssertWholeAsync();
    }

    private double Recoveries => shared.Server.Metrics("pipeline_recoveries_total");

    private static CompletionCall Call(double temperature) => CompletionCall.Of(
        ("prompt", "ROMEO:\n"), ("max_tokens", Tokens), ("temperature", temperature), ("seed", 5), ("ignore_eos", true), ("stream", true), ("logprobs", 1));
}
