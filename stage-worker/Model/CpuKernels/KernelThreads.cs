using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.CpuKernels;

/// <summary>
/// Fork and join for the kernels: a few dedicated threads, of which the caller is one. It decides who computes an output,
/// never how, so results do not depend on the thread count.
/// </summary>
/// <remarks>
/// One caller at a time. Chunks are claimed by adding one to <see cref="_ticket"/> (chunk count above, next chunk below); the job's
/// fields are read only after a claim, and cannot change while a claimed chunk is unfinished, so a late worker never sees a
/// torn job. The caller waits only for chunks that somebody took, not for workers that never woke up.
/// A fork and join of 16 chunks costs about 3 us while the workers still spin, and a thread wake-up more after that.
/// </remarks>
public sealed unsafe class KernelThreads : IDisposable
{
    /// <summary>Several chunks a thread: whoever is descheduled for a while holds up one chunk only.</summary>
    private const int ChunksPerThread = 8;

    /// <summary>Less work than this is done sooner than a second thread has joined in.</summary>
    private const long WorthForkingNanoseconds = 4000;

    /// <summary>Several workers share the cores: spinning has to end before it costs a neighbour its time slice.</summary>
    private static readonly long SpinTicks = Stopwatch.Frequency * 20 / 1_000_000;

    private readonly Thread[] _workers;
    private readonly ManualResetEventSlim _finished = new(initialState: false, spinCount: 0);
    private readonly object _gate = new();

    private delegate*<void*, int, int, void> _body;
    private void* _context;
    private int _itemCount;
    private int _chunkSize;

    private long _ticket;
    private int _unfinished;
    private int _sleepers;
    private int _busy;
    private bool _stopping;
    private Exception? _failure;

    /// <param name="threadCount">Threads that compute, the caller included. With 1 nothing is created.</param>
    public KernelThreads(int threadCount)
        : this(threadCount, WidestSupported)
    {
    }

    internal KernelThreads(int threadCount, VectorWidth width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threadCount, 1);
        Width = width;
        _workers = new Thread[threadCount - 1];
        for (var i = 0; i < _workers.Length; i++)
        {
            _workers[i] = new Thread(Work) { IsBackground = true, Name = $"kernel-{i + 1}" };
            _workers[i].Start();
        }
    }

    public int ThreadCount => _workers.Length + 1;

    internal VectorWidth Width { get; }

    /// <summary>Workers that sleep: all of them when nothing has been run for a while.</summary>
    internal int SleepingWorkers => Volatile.Read(ref _sleepers);

    internal KernelScratch Scratch { get; } = new();

    private static VectorWidth WidestSupported =>
        Vector512.IsHardwareAccelerated ? VectorWidth.Bits512
        : Fma.IsSupported || AdvSimd.IsSupported ? VectorWidth.Bits256
        : VectorWidth.Scalar;

    private bool HasWork
    {
        get
        {
            var current = Volatile.Read(ref _ticket);
            return (int)current < (int)(current >> 32);
        }
    }

    /// <summary>
    /// Calls <paramref name="body"/> with the context and half-open ranges that together cover 0 .. <paramref name="items"/>, from
    /// several threads at once, and returns when all are done.
    /// </summary>
    /// <param name="grain">Fewest items worth handing to a thread.</param>
    public void Run(int items, int grain, delegate*<void*, int, int, void> body, void* context)
    {
        var size = Math.Max(Math.Max(grain, 1), ((items - 1) / (ThreadCount * ChunksPerThread)) + 1);
        if (_workers.Length == 0 || items <= size)
        {
            if (items > 0)
            {
                body(context, 0, items);
            }

            return;
        }

        if (Interlocked.Exchange(ref _busy, 1) != 0)
        {
            throw new InvalidOperationException("these kernel threads are already running a job: one caller at a time");
        }

        this._body = body;
        this._context = context;
        _itemCount = items;
        _chunkSize = size;
        Fork(((items - 1) / size) + 1);
        Join();
    }

    /// <summary>Fewest items worth handing to a thread when one takes roughly so many nanoseconds.</summary>
    internal static int GrainFor(long nanosecondsPerItem) =>
        (int)Math.Clamp(WorthForkingNanoseconds / Math.Max(nanosecondsPerItem, 1), 1, WorthForkingNanoseconds);

    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }

        foreach (var worker in _workers)
        {
            worker.Join();
        }

        Scratch.Dispose();
        _finished.Dispose();
    }

    private void Fork(int chunks)
    {
        _finished.Reset();
        _unfinished = chunks;
        Interlocked.Exchange(ref _ticket, (long)chunks << 32);
        if (Volatile.Read(ref _sleepers) > 0)
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    private void Join()
    {
        var last = false;
        while (TryClaim(out var chunk))
        {
            last = Complete(chunk);
        }

        if (!last)
        {
            WaitUntilFinished();
        }

        var thrown = _failure;
        _failure = null;
        Volatile.Write(ref _busy, 0);
        if (thrown is not null)
        {
            ExceptionDispatchInfo.Throw(thrown);
        }
    }

    private void WaitUntilFinished()
    {
        var deadline = Stopwatch.GetTimestamp() + SpinTicks;
        while (!_finished.IsSet && Stopwatch.GetTimestamp() < deadline)
        {
            Thread.SpinWait(4);
        }

        _finished.Wait(CancellationToken.None);
    }

    private bool TryClaim(out int chunk)
    {
        while (true)
        {
            var current = Volatile.Read(ref _ticket);
            chunk = (int)current;
            if (chunk >= (int)(current >> 32))
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _ticket, current + 1, current) == current)
            {
                return true;
            }
        }
    }

    /// <summary>Computes a claimed chunk; true if it was the last unfinished one.</summary>
    private bool Complete(int chunk)
    {
        try
        {
            var start = chunk * _chunkSize;
            _body(_context, start, Math.Min(_itemCount, start + _chunkSize));
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, exception, null);
        }

        return Interlocked.Decrement(ref _unfinished) == 0;
    }

    private void Work()
    {
        while (WaitForWork())
        {
            while (TryClaim(out var chunk))
            {
                if (Complete(chunk))
                {
                    _finished.Set();
                }
            }
        }
    }

    /// <summary>Spins briefly, then sleeps. False when the threads are being disposed of.</summary>
    private bool WaitForWork()
    {
        var deadline = Stopwatch.GetTimestamp() + SpinTicks;
        while (!HasWork && Stopwatch.GetTimestamp() < deadline)
        {
            Thread.SpinWait(4);
        }

        if (HasWork)
        {
            return true;
        }

        lock (_gate)
        {
            // The counter is a full fence: either this thread sees the new ticket below, or Fork sees the sleeper and takes the lock.
            Interlocked.Increment(ref _sleepers);
            while (!HasWork && !_stopping)
            {
                Monitor.Wait(_gate);
            }

            Interlocked.Decrement(ref _sleepers);
            return !_stopping;
        }
    }
}
