using System.Diagnostics;

namespace Pipeline.StageWorker.Tests;

/// <summary>Waits for what the worker does after its caller has left.</summary>
internal static class Eventually
{
    /// <summary>For what happens at once, with room for a busy machine; below every patience of the product.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(8);

    public static async Task HoldsAsync(Func<Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < Soon, $"waited {Soon.TotalSeconds:F0} s for: {what}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Nobody holds the worker any more, and all that its session had is given back.</summary>
    public static Task IsFreeAsync(TestWorker worker) => HoldsAsync(async () => !await worker.IsInUseAsync(), "the end of the lease");
}
