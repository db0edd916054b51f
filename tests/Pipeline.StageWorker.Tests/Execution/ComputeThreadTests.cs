using System.Collections.Concurrent;
using Pipeline.StageWorker.Execution;

namespace Pipeline.StageWorker.Tests.Execution;

/// <summary>One thread, one order, and an end that forgets nobody.</summary>
public class ComputeThreadTests
{
    [Fact]
    public async Task RunAsync_ManyPieces_RunInOrderOnOneThread()
    {
        using var thread = new ComputeThread("test");
        ConcurrentQueue<(int Piece, int Thread)> runs = [];
        await Task.WhenAll(Enumerable.Range(0, 100).Select(piece => thread.RunAsync(() =>
        {
            runs.Enqueue((piece, Environment.CurrentManagedThreadId));
            return piece;
        })));
        Assert.Equal(Enumerable.Range(0, 100), runs.Select(run => run.Piece));
        Assert.Single(runs.Select(run => run.Thread).Distinct());
    }

    /// <summary>The clean-up after a failure may wait for this very thread: it must not run on it.</summary>
    [Fact]
    public async Task RunAsync_Failure_IsToldElsewhereAndTheThreadGoesOn()
    {
        using var thread = new ComputeThread("test");
        var own = await thread.RunAsync(() => Environment.CurrentManagedThreadId);
        var waited = await CleanUpAfterFailureAsync(thread).WaitAsync(Eventually.Soon, TestContext.Current.CancellationToken);
        Assert.Equal(own, waited);
    }

    [Fact]
    public async Task Dispose_WorkInTheQueue_IsFinished()
    {
        var thread = new ComputeThread("test");
        var pieces = Enumerable.Range(0, 10).Select(piece => thread.RunAsync(() =>
        {
            Thread.Sleep(2);
            return piece;
        })).ToList();
        thread.Dispose();
        Assert.All(pieces, piece => Assert.True(piece.IsCompletedSuccessfully));
        Assert.Equal(45, (await Task.WhenAll(pieces)).Sum());
    }

    [Fact]
    public async Task Dispose_FromItsOwnWork_DoesNotWaitForItself()
    {
        var thread = new ComputeThread("test");
        var ending = thread.RunAsync(() =>
        {
            thread.Dispose();
            return true;
        });
        Assert.True(await ending.WaitAsync(Eventually.Soon, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task RunAsync_AfterTheEnd_IsCancelled()
    {
        var thread = new ComputeThread("test");
        thread.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => thread.RunAsync(() => 1));
    }

    private static async Task<int> CleanUpAfterFailureAsync(ComputeThread thread)
    {
        try
        {
            return await thread.RunAsync<int>(() => throw new InvalidOperationException("step failed"));
        }
        catch (InvalidOperationException exception)
        {
            Assert.Equal("step failed", exception.Message);
            // Blocking is the point: on the compute thread itself this would never end.
#pragma warning disable xUnit1031
            return thread.RunAsync(() => Environment.CurrentManagedThreadId).GetAwaiter().GetResult();
#pragma warning restore xUnit1031
        }
    }
}
