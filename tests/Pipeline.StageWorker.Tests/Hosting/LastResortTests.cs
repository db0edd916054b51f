using Pipeline.StageWorker.Hosting;

namespace Pipeline.StageWorker.Tests.Hosting;

public class LastResortTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Wait_ForAnEnd_KillsOnlyWhereItDoesNotCome(bool ends)
    {
        var killed = false;

        await LastResort.WaitAsync(ends ? Task.CompletedTask : new TaskCompletionSource().Task, TimeSpan.FromMilliseconds(20), () => killed = true);

        Assert.Equal(!ends, killed);
    }

    [Fact]
    public async Task Wait_ForAnEndThatFails_PassesItOn() => await Assert.ThrowsAsync<TimeoutException>(
        () => LastResort.WaitAsync(Task.FromException(new TimeoutException()), TimeSpan.FromSeconds(20), () => Assert.Fail("it has ended")));
}
