using System.Runtime.InteropServices;

namespace Pipeline.EndToEnd.Tests.Processes;

/// <summary>Signals to single processes, by id.</summary>
internal static partial class Signals
{
    private const int Interrupt = 2;
    private const int Kill = 9;
    private const int Terminate = 15;
    private const int Stop = 19;

    public static void SendInterrupt(int processId) => Send(processId, Interrupt);

    /// <summary>What a terminal does on Ctrl-C: everyone of the group gets the signal.</summary>
    public static void SendInterruptToGroup(int leader) => Send(-leader, Interrupt);

    public static void SendKill(int processId) => Send(processId, Kill);

    public static void SendTerminate(int processId) => Send(processId, Terminate);

    /// <summary>Freezes a process: it keeps its connections and answers nothing.</summary>
    public static void SendStop(int processId) => Send(processId, Stop);

    private static void Send(int processId, int signal) => Assert.Equal(0, SystemKill(processId, signal));

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SystemKill(int processId, int signal);
}
