using System.Diagnostics;

namespace Pipeline.EndToEnd.Tests.Processes;

/// <summary>Waits for what is bound to come, with a limit that only a hang reaches.</summary>
internal static class Eventually
{
    /// <summary>Far beyond any wait that these tests contain when the product works, also on a busy machine.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    public static async Task HoldsAsync(Func<bool> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Limit, $"waited {Limit.TotalSeconds:F0} s for: {what}");
            await Task.Delay(Interval, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until a count stands still, and gives it.</summary>
    public static async Task<int> SettlesAsync(Func<int> count)
    {
        var watch = Stopwatch.StartNew();
        for (var (last, unchanged) = (-1, 0); unchanged < 15;)
        {
            Assert.True(watch.Elapsed < Limit, $"still growing after {Limit.TotalSeconds:F0} s: {last}");
            await Task.Delay(Interval, TestContext.Current.CancellationToken);
            unchanged = last == count() ? unchanged + 1 : 0;
            last = count();
        }

        return count();
    }
}
