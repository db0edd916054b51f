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

    /// <summary>What a device does is finished in the order in which it began, and new work does not wait for it.</summary>
    [Fact]
    public async Task WatchAsync_DeviceAtWork_NewWorkComesFirstAndEndsKeepTheirOrder()
    {
        using var thread = new ComputeThread("test");
        ConcurrentQueue<string> order = [];
        var (first, second) = (false, true);
        var watched = await OnAsync(thread, () => (
            First: thread.WatchAsync(() => Volatile.Read(ref first), () => Note(order, "first")),
            Second: thread.WatchAsync(() => Volatile.Read(ref second), () => Note(order, "second"))));
        await OnAsync(thread, () => Note(order, "new"));
        Assert.False(watched.Second.IsCompleted); // over already, but behind the first
        Volatile.Write(ref first, true);
        await watched.Second.WaitAsync(Eventually.Soon, TestContext.Current.CancellationToken);
        Assert.Equal(["new", "first", "second"], order);
    }

    /// <summary>The next stage, or the coordinator, waits for what is over; the work behind it may take as long as a step.</summary>
    [Fact]
    public async Task WatchAsync_OverWhileTheThreadWorks_IsFinishedBeforeNewWork()
    {
        using var thread = new ComputeThread("test");
        ConcurrentQueue<string> order = [];
        var isOver = false;
        var watched = await OnAsync(thread, () => Tuple.Create(thread.WatchAsync(() => Volatile.Read(ref isOver), () => Note(order, "over"))));
        using var both = new ManualResetEventSlim();
        var working = thread.RunAsync(() =>
        {
            both.Wait(Eventually.Soon);
            Volatile.Write(ref isOver, true);
            return Note(order, "work");
        });
        var waiting = thread.RunAsync(() => Note(order, "new"));
        both.Set();
        await Task.WhenAll(working, waiting, watched.Item1).WaitAsync(Eventually.Soon, TestContext.Current.CancellationToken);
        Assert.Equal(["work", "over", "new"], order);
    }

    [Fact]
    public async Task WatchAsync_LookFails_FinishTellsWhy()
    {
        using var thread = new ComputeThread("test");
        var watched = await OnAsync(thread, () => Tuple.Create(thread.WatchAsync<int>(() => throw new InvalidOperationException("look"), () => throw new InvalidOperationException("device lost"))));
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => watched.Item1.WaitAsync(Eventually.Soon, TestContext.Current.CancellationToken));
        Assert.Equal("device lost", failure.Message);
        Assert.Equal(1, await thread.RunAsync(() => 1));
    }

    [Fact]
    public async Task Dispose_DeviceAtWork_IsWaitedFor()
    {
        var thread = new ComputeThread("test");
        var looks = 0;
        var watched = await OnAsync(thread, () => Tuple.Create(thread.WatchAsync(() => ++looks > 1000, () => looks)));
        thread.Dispose();
        Assert.True(watched.Item1.IsCompletedSuccessfully);
        Assert.Equal(1001, await watched.Item1);
    }

    [Fact]
    public void WatchAsync_FromElsewhere_IsRefused()
    {
        using var thread = new ComputeThread("test");
        Assert.Throws<InvalidOperationException>(() => { _ = thread.WatchAsync(() => true, () => 1); });
    }

    /// <summary>Goes on elsewhere: the test is not to keep the compute thread.</summary>
    private static async Task<T> OnAsync<T>(ComputeThread thread, Func<T> work)
    {
        var result = await thread.RunAsync(work);
        await Task.Yield();
        return result;
    }

    private static string Note(ConcurrentQueue<string> order, string what)
    {
        order.Enqueue(what);
        return what;
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
