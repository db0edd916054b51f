using System.Diagnostics;

namespace Pipeline.EndToEnd.Tests.Processes;

/// <summary>Waits for what is bound to come, with a limit that only a hang reaches.</summary>
internal static class Eventually
{
    /// <summary>Far beyond any wait that these tests contain when the product works, also on a busy machine.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    /// <summary>For what happens at once (tenths of a second on an idle machine), with room for a busy one.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    public static Task HoldsAsync(Func<bool> condition, string what) => HoldsAsync(condition, () => what);

    /// <summary>With a description of how far it has come by then.</summary>
    public static async Task HoldsAsync(Func<bool> condition, Func<string> describe)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Limit, $"waited {Limit.TotalSeconds:F0} s for: {describe()}");
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
