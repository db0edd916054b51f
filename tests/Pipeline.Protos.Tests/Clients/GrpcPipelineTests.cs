using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Pipeline.Protos.Clients;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Tests.Clients;

/// <summary>
/// What the pipeline makes of its stages' events. Nobody listens at its address, so that sending fails as well, at any moment: the
/// handlers are called directly, and the dust settles when the test says so.
/// </summary>
public sealed class GrpcPipelineTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly GrpcPipeline _pipeline;

    public GrpcPipelineTests() => _pipeline = new("127.0.0.1:1", null, _ => { }, _clock);

    [Theory]
    [InlineData(StageError.ComputeFailed, StageError.StageLost)]
    [InlineData(StageError.StageLost, StageError.ComputeFailed)]
    public async Task TypedFailure_BesideLostStage_IsTheOneThatCounts(StageError first, StageError second)
    {
        Fail(first);
        Fail(second);

        var failure = await ReadUntilFailureAsync(Inputs(0));

        Assert.Equal(StageError.ComputeFailed, failure.Error);
        Assert.Equal((int)StageError.ComputeFailed, failure.StageIndex);
        Assert.Same(failure, _pipeline.Failure);
    }

    [Theory]
    [InlineData(StageError.ComputeFailed, StageError.OutOfMemory)]
    [InlineData(StageError.StageLost, StageError.StageLost)]
    public async Task Failures_OfOneRank_KeepTheFirst(StageError first, StageError second)
    {
        var expected = new StageException(first, "first", 1);
        _pipeline.Handlers.OnFailure(expected);
        _pipeline.Handlers.OnFailure(new StageException(second, "second", 2));

        Assert.Same(expected, await ReadUntilFailureAsync(Inputs(0)));
    }

    [Fact]
    public async Task Failure_WhileReading_EndsTheStream()
    {
        var reading = ReadAsync(Inputs(0));
        Fail(StageError.OutOfMemory);
        _clock.AdvanceToNextTimer();

        Assert.Equal(StageError.OutOfMemory, (await Assert.ThrowsAsync<StageException>(() => reading)).Error);
    }

    [Fact]
    public async Task Failure_SettledBeforeReading_EndsTheStream()
    {
        Fail(StageError.OutOfMemory);
        _clock.AdvanceToNextTimer();

        Assert.Equal(StageError.OutOfMemory, (await Assert.ThrowsAsync<StageException>(() => ReadAsync(Inputs(0)))).Error);
    }

    [Fact]
    public async Task Result_BeforeFailure_IsDeliveredFirst()
    {
        _pipeline.Handlers.OnResult(Result(1, 1));
        Fail(StageError.ComputeFailed);
        var outputs = new ConcurrentQueue<StageOutput>();

        var failure = await ReadUntilFailureAsync(Inputs(2), outputs, 1);

        Assert.Equal(StageError.ComputeFailed, failure.Error);
        Assert.Equal(1, Assert.Single(outputs).Result!.Step);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    public async Task Result_OfAnotherStepOrEpoch_IsOutOfOrder(long epoch, long step)
    {
        _pipeline.Handlers.OnResult(Result(epoch, step));

        Assert.Equal(StageError.OutOfOrder, (await Assert.ThrowsAsync<StageException>(() => ReadAsync(Inputs(1)))).Error);
    }

    [Fact]
    public async Task Inputs_ToNobody_LoseTheFirstStage()
    {
        var failure = await ReadUntilFailureAsync(Inputs(1));

        Assert.Equal((StageError.StageLost, 0), (failure.Error, failure.StageIndex));
    }

    public ValueTask DisposeAsync() => _pipeline.DisposeAsync();

    private static MicrobatchResult Result(long epoch, long step) => new(new PlanEpoch(epoch), step, new MicrobatchId(0), []);

    /// <summary>Some steps, then silence.</summary>
    private static IAsyncEnumerable<StageInput> Inputs(int count) => InputsAsync(count, TestContext.Current.CancellationToken);

    private static async IAsyncEnumerable<StageInput> InputsAsync(int count, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var step = 1; step <= count; step++)
        {
            yield return new StageInput(new Microbatch { Epoch = new PlanEpoch(1), Step = step, Id = new MicrobatchId(0), Slices = [] }, null);
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
    }

    /// <summary>The stage's index repeats the error, so that a failure's parts cannot come from two of them.</summary>
    private void Fail(StageError error) => _pipeline.Handlers.OnFailure(new StageException(error, $"{error}", (int)error));

    /// <summary>Lets the dust settle once there was a failure and so many outputs have come.</summary>
    private async Task<StageException> ReadUntilFailureAsync(IAsyncEnumerable<StageInput> inputs, ConcurrentQueue<StageOutput>? outputs = null, int outputsBefore = 0)
    {
        var reading = ReadAsync(inputs, outputs);
        while (!reading.IsCompleted && (_clock.RunningTimers == 0 || outputs?.Count < outputsBefore))
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        if (!reading.IsCompleted)
        {
            _clock.AdvanceToNextTimer();
        }

        return await Assert.ThrowsAsync<StageException>(() => reading);
    }

    private async Task ReadAsync(IAsyncEnumerable<StageInput> inputs, ConcurrentQueue<StageOutput>? outputs = null)
    {
        await foreach (var output in _pipeline.ForwardAsync(inputs, TestContext.Current.CancellationToken))
        {
            outputs?.Enqueue(output);
        }
    }
}
