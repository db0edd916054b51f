using System.Diagnostics;
using System.Text.Json;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages;

/// <summary>
/// A stage worker started on this host. It holds the read end of our pipe as its standard input and stops when that closes,
/// so it cannot outlive us, however we end.
/// </summary>
public sealed class WorkerProcess : IAsyncDisposable
{
    private const int KeptLines = 40;
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly Queue<string> _lastLines = new();

    private WorkerProcess(Process process, int stageIndex)
    {
        _process = process;
        StageIndex = stageIndex;
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
    }

    public int StageIndex { get; }

    public int Id => _process.Id;

    /// <summary>host:port the worker listens on.</summary>
    public string Address { get; private set; } = "";

    public bool HasExited => _process.HasExited;

    /// <summary>What the worker logged last.</summary>
    public string LastOutput
    {
        get
        {
            lock (_lastLines)
            {
                return string.Join('\n', _lastLines);
            }
        }
    }

    /// <summary>Returns when the worker listens; one that does not come so far within a minute is ended and named.</summary>
    public static async Task<WorkerProcess> StartAsync(
        int stageIndex, string device, IReadOnlyDictionary<string, string> environment, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(WorkerProgram.Locate(), ["--listen", "127.0.0.1:0", "--device", device, "--exit-with-parent"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var worker = new WorkerProcess(Process.Start(start)!, stageIndex);
        worker._process.BeginErrorReadLine();
        using var patience = new CancellationTokenSource(StartPatience, timeProvider);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            worker.Address = await worker.ReadAddressAsync(stop.Token);
            return worker;
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            var failure = new StageException(StageError.Timeout, $"worker process {worker.Id} was started {StartPatience.TotalSeconds:F0} s ago and does not listen yet: {worker.LastOutput}".TrimEnd(':', ' '), stageIndex, exception);
            worker.Kill();
            await worker.DisposeAsync();
            throw failure;
        }
        catch
        {
            await worker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it at once: for one that does not answer any more.</summary>
    public void Kill() => _process.Kill(entireProcessTree: true);

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The worker is gone already.
        }

        using var patience = new CancellationTokenSource(StopPatience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private async Task<string> ReadAddressAsync(CancellationToken cancellationToken)
    {
        while (await _process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith('{') && JsonDocument.Parse(line).RootElement.TryGetProperty("listening", out var address))
            {
                return address.GetString()!;
            }
        }

        await _process.WaitForExitAsync(cancellationToken);
        throw new StageException(StageError.StageLost, $"the worker exited with code {_process.ExitCode} at its start: {LastOutput}", StageIndex);
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lastLines)
        {
            _lastLines.Enqueue(line);
            if (_lastLines.Count > KeptLines)
            {
                _lastLines.Dequeue();
            }
        }
    }
}
