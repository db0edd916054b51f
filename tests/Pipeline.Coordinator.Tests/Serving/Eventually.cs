using System.Diagnostics;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>Waits for what is bound to come, with a limit that only a hang reaches.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static async Task HoldsAsync(Func<bool> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Limit, "waited in vain");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
