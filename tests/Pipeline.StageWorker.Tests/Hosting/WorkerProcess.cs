using System.Diagnostics;
using System.Text.Json;

namespace Pipeline.StageWorker.Tests.Hosting;

/// <summary>The worker's program as a process of its own; gone at the end of its test, whatever happened.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private WorkerProcess(string[] arguments)
    {
        // The build puts the program beside the tests that refer to it.
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "stage-worker"), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        _errors = _process.StandardError.ReadToEndAsync(Token);
    }

    public bool HasExited => _process.HasExited;

    public static WorkerProcess Start(params string[] arguments) => new(arguments);

    /// <summary>The address out of the first line that the program prints.</summary>
    public async Task<string> ListeningAsync()
    {
        var line = await _process.StandardOutput.ReadLineAsync(Token).AsTask().WaitAsync(Patience, Token);
        using var document = JsonDocument.Parse(line!);
        return document.RootElement.GetProperty("listening").GetString()!;
    }

    /// <summary>What the system does to the pipe when the parent dies.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    public async Task<(int Code, string Errors)> ExitAsync()
    {
        await _process.WaitForExitAsync(Token).WaitAsync(Patience, Token);
        return (_process.ExitCode, await _errors);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private static TimeSpan Patience => TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
