using Pipeline.Model.CudaRuntime;

namespace Pipeline.Model.Tests.CudaRuntime;

/// <summary>The turn on a device among processes. Threads stand for processes: the lock belongs to a thread as well.</summary>
public class DeviceTurnTests
{
    [Fact]
    public void TryEnter_AnotherHasTheTurn_WaitsForItsEnd()
    {
        var device = Guid.NewGuid();
        using var own = DeviceTurn.Of(device);
        Assert.NotNull(own);
        Assert.True(own.TryEnter());
        Assert.False(Elsewhere(device));
        own.Leave();
        Assert.True(Elsewhere(device));
    }

    [Fact]
    public void TryEnter_AnotherDevice_IsAnotherTurn()
    {
        using var own = DeviceTurn.Of(Guid.NewGuid());
        Assert.True(own!.TryEnter());
        Assert.True(Elsewhere(Guid.NewGuid()));
        own.Leave();
    }

    /// <summary>Whoever died with the turn must not keep it.</summary>
    [Fact]
    public void TryEnter_HolderIsGone_TakesTheTurn()
    {
        var device = Guid.NewGuid();
        using var own = DeviceTurn.Of(device);
        Assert.True(Elsewhere(device, leaves: false));
        Assert.True(own!.TryEnter());
        own.Leave();
    }

    private static bool Elsewhere(Guid device, bool leaves = true)
    {
        var entered = false;
        var thread = new Thread(() =>
        {
            var turn = DeviceTurn.Of(device)!;
            entered = turn.TryEnter();
            if (entered && leaves)
            {
                turn.Leave();
            }
        });
        thread.Start();
        thread.Join();
        return entered;
    }
}
