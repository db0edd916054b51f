using System.Runtime.CompilerServices;
using Pipeline.Protos.Clients;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Tests.Clients;

/// <summary>What the pipeline makes of its stages' events. Nobody listens at its address: the handlers are called directly.</summary>
public sealed class GrpcPipelineTests : IAsyncDisposable
{
    private readonly GrpcPipeline _pipeline = new("127.0.0.1:1", null, _ => { });

    [Theory]
    [InlineData(StageError.ComputeFailed, StageError.StageLost)]
    [InlineData(StageError.StageLost, StageError.ComputeFailed)]
    public async Task TypedFailure_BesideLostStage_IsTheOneThatCounts(StageError first, StageError second)
    {
        var reading = ReadAsync(Inputs(0));
        Fail(first);
        Fail(second);

        var failure = await Assert.ThrowsAsync<StageException>(() => reading);

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
        var reading = ReadAsync(Inputs(0));
        _pipeline.Handlers.OnFailure(expected);
        _pipeline.Handlers.OnFailure(new StageException(second, "second", 2));

        Assert.Same(expected, await Assert.ThrowsAsync<StageException>(() => reading));
    }

    [Fact]
    public async Task Failure_BeforeReading_EndsTheStream()
    {
        Fail(StageError.OutOfMemory);

        Assert.Equal(StageError.OutOfMemory, (await Assert.ThrowsAsync<StageException>(() => ReadAsync(Inputs(0)))).Error);
    }

    /// <summary>Sending fails as well, since nobody listens; that is the less telling word.</summary>
    [Fact]
    public async Task Result_BeforeFailure_IsDeliveredFirst()
    {
        _pipeline.Handlers.OnResult(Result(1, 1));
        Fail(StageError.ComputeFailed);
        var outputs = new List<StageOutput>();

        var failure = await Assert.ThrowsAsync<StageException>(() => ReadAsync(Inputs(2), outputs));

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
        var failure = await Assert.ThrowsAsync<StageException>(() => ReadAsync(Inputs(1)));

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

    private async Task ReadAsync(IAsyncEnumerable<StageInput> inputs, List<StageOutput>? outputs = null)
    {
        await foreach (var output in _pipeline.ForwardAsync(inputs, TestContext.Current.CancellationToken))
        {
            outputs?.Add(output);
        }
    }
}
