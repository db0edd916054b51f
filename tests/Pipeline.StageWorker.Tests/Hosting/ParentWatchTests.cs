using Pipeline.Protos.Clients;

namespace Pipeline.StageWorker.Tests.Hosting;

/// <summary>A worker that a coordinator has started goes with it; one that was started by hand stays.</summary>
public class ParentWatchTests
{
    [Fact]
    public async Task InputEnds_ExitWithParent_EndsTheProcess()
    {
        await using var worker = WorkerProcess.Start("--exit-with-parent");
        await using var connection = new StageConnection(await worker.ListeningAsync(), 0, null);
        Assert.False((await connection.HelloAsync(TestContext.Current.CancellationToken)).InUse);
        worker.CloseInput();
        var (code, errors) = await worker.ExitAsync();
        Assert.Equal(0, code);
        Assert.Contains("the parent process is gone; stopping", errors, StringComparison.Ordinal);
    }

    /// <summary>The parent may be gone before the worker is up: that used to break the start, with a stack trace.</summary>
    [Fact]
    public async Task InputEnds_BeforeTheStart_EndsTheProcessProperly()
    {
        await using var worker = WorkerProcess.Start("--exit-with-parent");
        worker.CloseInput();
        var (code, errors) = await worker.ExitAsync();
        Assert.Equal(0, code);
        Assert.Contains("the parent process is gone; stopping", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InputEnds_WithoutTheOption_ChangesNothing()
    {
        await using var worker = WorkerProcess.Start();
        var address = await worker.ListeningAsync();
        worker.CloseInput();
        await Task.Delay(300, TestContext.Current.CancellationToken);
        await using var connection = new StageConnection(address, 0, null);
        Assert.False((await connection.HelloAsync(TestContext.Current.CancellationToken)).InUse);
        Assert.False(worker.HasExited);
    }

    /// <summary>A lease does not keep the worker: its parent is gone, and with it whoever held the lease.</summary>
    [Fact]
    public async Task InputEnds_WhileALeaseIsHeld_EndsTheProcess()
    {
        await using var worker = WorkerProcess.Start("--exit-with-parent");
        await using var connection = new StageConnection(await worker.ListeningAsync(), 0, null);
        await connection.AttachAsync("test", 1, new StageEventHandlers(_ => { }, _ => { }, _ => { }), TestContext.Current.CancellationToken);
        worker.CloseInput();
        Assert.Equal(0, (await worker.ExitAsync()).Code);
    }
}
