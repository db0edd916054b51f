using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Pipeline.Cluster.Tests.Nodes;

/// <summary>The process of a container, first and only one of its process namespace.</summary>
internal sealed partial class ContainerProcess : IAsyncDisposable
{
    private const int KillSignal = 9;
    private const int TerminateSignal = 15;

    private readonly Process _sandbox;
    private readonly StringBuilder _log = new();

    private ContainerProcess(Process sandbox)
    {
        _sandbox = sandbox;
        sandbox.OutputDataReceived += (_, line) => Append(line.Data);
        sandbox.ErrorDataReceived += (_, line) => Append(line.Data);
        sandbox.BeginOutputReadLine();
        sandbox.BeginErrorReadLine();
    }

    /// <summary>Completes with the exit code.</summary>
    public Task<int> Ended => EndedAsync();

    public bool HasEnded => _sandbox.HasExited;

    /// <summary>What it has written so far, to either stream.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    public static ContainerProcess Start(ProcessStartInfo start)
    {
        var process = StarterThread.Start(start);
        process.StandardInput.Close();
        return new ContainerProcess(process);
    }

    public void Terminate() => Signal(TerminateSignal);

    public void Kill() => Signal(KillSignal);

    public async ValueTask DisposeAsync()
    {
        if (!_sandbox.HasExited)
        {
            _sandbox.Kill(entireProcessTree: true);
            await _sandbox.WaitForExitAsync();
        }

        _sandbox.Dispose();
    }

    private async Task<int> EndedAsync()
    {
        await _sandbox.WaitForExitAsync();
        return _sandbox.ExitCode;
    }

    /// <summary>To the program itself: the sandbox around it is nobody that a kubelet knows.</summary>
    private void Signal(int signal)
    {
        if (!_sandbox.HasExited && Inner() is { } inner)
        {
            _ = SystemKill(inner, signal);
        }
    }

    private int? Inner()
    {
        try
        {
            var children = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{_sandbox.Id}/task/{_sandbox.Id}/children")).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return children is [var only, ..] ? int.Parse(only, CultureInfo.InvariantCulture) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private void Append(string? line)
    {
        lock (_log)
        {
            _log.AppendLine(line);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SystemKill(int processId, int signal);
}
