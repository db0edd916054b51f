using Pipeline.Model.CpuKernels;

namespace Pipeline.Model.Tests.CpuKernels;

public unsafe class KernelThreadsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void Run_WithAnyItemsAndGrain_VisitsEveryItemOnce(int threadCount)
    {
        var random = new Random(threadCount);
        using var threads = new KernelThreads(threadCount);
        for (var round = 0; round < 500; round++)
        {
            using var memory = new GuardedMemory();
            var visits = memory.Ints(new int[random.Next(300)]);
            var items = round % 7 == 0 ? 0 : random.Next(300);
            visits = memory.Ints(new int[items]);
            threads.Run(items, random.Next(20), &CountVisit, visits);
            Assert.All(GuardedMemory.Read(visits, items), count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void Run_ManyTimesInARow_NeverLosesOrRepeatsAChunk()
    {
        using var threads = new KernelThreads(3);
        var total = 0L;
        for (var round = 0; round < 10_000; round++)
        {
            threads.Run(24, 1, &AddItems, &total);
        }

        Assert.Equal(10_000L * (23 * 24 / 2), total);
    }

    [Fact]
    public void Run_AfterTheWorkersFellAsleep_WakesThem()
    {
        using var threads = new KernelThreads(3);
        for (var round = 0; round < 5; round++)
        {
            Assert.True(SpinWait.SpinUntil(() => threads.SleepingWorkers == 2, TimeSpan.FromSeconds(30)), "idle workers keep a core busy");
            using var memory = new GuardedMemory();
            var seen = memory.Ints(new int[3]);
            threads.Run(3, 1, &WaitForTheOthers, seen);
            Assert.Equal([1, 1, 1], GuardedMemory.Read(seen, 3));
        }
    }

    [Fact]
    public void Run_WhenABodyThrows_ThrowsItAndStaysUsable()
    {
        using var threads = new KernelThreads(2);
        for (var round = 0; round < 50; round++)
        {
            Assert.Throws<NotSupportedException>(() => threads.Run(40, 1, &ThrowAtSeven, null));
            var total = 0L;
            threads.Run(4, 1, &AddItems, &total);
            Assert.Equal(6, total);
        }
    }

    [Fact]
    public void Run_FromInsideABody_IsRefused()
    {
        using var threads = new KernelThreads(2);
        var handle = System.Runtime.InteropServices.GCHandle.Alloc(threads);
        try
        {
            var context = System.Runtime.InteropServices.GCHandle.ToIntPtr(handle);
            var exception = Assert.Throws<InvalidOperationException>(() => threads.Run(2, 1, &RunAgain, (void*)context));
            Assert.Contains("one caller at a time", exception.Message, StringComparison.Ordinal);
        }
        finally
        {
            handle.Free();
        }
    }

    [Fact]
    public void Run_OnceWarm_AllocatesNothing()
    {
        using var threads = new KernelThreads(2);
        var total = 0L;
        var context = &total;
        KernelAssert.AllocatesNothing(() => threads.Run(6, 1, &AddItems, context));
    }

    [Fact]
    public void Constructor_WithoutAThread_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => new KernelThreads(0));

    private static void CountVisit(void* context, int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            Interlocked.Increment(ref ((int*)context)[i]);
        }
    }

    private static void AddItems(void* context, int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            Interlocked.Add(ref *(long*)context, i);
        }
    }

    /// <summary>Marks its item, and keeps the mark only if three threads are in it at the same time.</summary>
    private static void WaitForTheOthers(void* context, int start, int end)
    {
        var seen = (int*)context;
        Volatile.Write(ref seen[start], 1);
        if (!SpinWait.SpinUntil(() => Volatile.Read(ref seen[0]) + Volatile.Read(ref seen[1]) + Volatile.Read(ref seen[2]) == 3, TimeSpan.FromSeconds(30)))
        {
            Volatile.Write(ref seen[start], 0);
        }
    }

    private static void ThrowAtSeven(void* context, int start, int end)
    {
        if (start <= 7 && 7 < end)
        {
            throw new NotSupportedException();
        }
    }

    private static void RunAgain(void* context, int start, int end) =>
        ((KernelThreads)System.Runtime.InteropServices.GCHandle.FromIntPtr((nint)context).Target!).Run(2, 1, &AddItems, null);
}
