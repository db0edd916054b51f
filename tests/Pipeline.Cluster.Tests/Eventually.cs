using System.Diagnostics;

namespace Pipeline.Cluster.Tests;

/// <summary>Waits for what is bound to come, with a limit that only a hang reaches.</summary>
internal static class Eventually
{
    /// <summary>Far beyond any wait that these tests contain when the product works, also on a busy machine.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(180);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <param name="describe">How far it has come, for the case that it does not come.</param>
    public static async Task HoldsAsync(Func<bool> condition, Func<string> describe)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Limit, $"waited {Limit.TotalSeconds:F0} s for: {describe()}");
            await Task.Delay(Interval, TestContext.Current.CancellationToken);
        }
    }
}
