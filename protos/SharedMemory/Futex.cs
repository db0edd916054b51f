using System.Runtime.InteropServices;

namespace Pipeline.Protos.SharedMemory;

/// <summary>Sleeping on a word of memory, also one that processes share. Linux only.</summary>
internal static unsafe partial class Futex
{
    private const int WaitOperation = 0;
    private const int WakeOperation = 1;

    private static readonly nint CallNumber = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 202,
        Architecture.Arm64 => 98,
        _ => 0,
    };

    public static bool IsSupported => OperatingSystem.IsLinux() && CallNumber != 0;

    /// <summary>Sleeps while the word has this value, at most so long; may return early.</summary>
    public static void Wait(int* word, int value, TimeSpan atMost)
    {
        var time = new Timespec { Seconds = (long)atMost.TotalSeconds, Nanoseconds = atMost.Ticks % TimeSpan.TicksPerSecond * 100 };
        _ = SystemCall(CallNumber, word, WaitOperation, value, &time, null, 0);
    }

    public static void WakeAll(int* word) => _ = SystemCall(CallNumber, word, WakeOperation, int.MaxValue, null, null, 0);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, int* word, nint operation, nint value, Timespec* timeout, int* secondWord, nint thirdValue);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
