using System.Diagnostics;
using System.Text.Json;
using Pipeline.Coordinator.Stages;
using Pipeline.EndToEnd.Tests.Processes;

namespace Pipeline.EndToEnd.Tests.Security;

/// <summary>The program <c>stage-worker</c> with certificates, as on a host of its own.</summary>
internal sealed class SecureWorker : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private SecureWorker(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    public string Address { get; private set; } = "";

    public static async Task<SecureWorker> StartAsync(string folder)
    {
        var start = new ProcessStartInfo(WorkerProgram.Locate(), ["--listen", "127.0.0.1:0", "--tls", folder, "--exit-with-parent"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var worker = new SecureWorker(Process.Start(start)!);
        try
        {
            var line = await worker._process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Eventually.Limit);
            worker.Address = JsonDocument.Parse(line!).RootElement.GetProperty("listening").GetString()!;
            return worker;
        }
        catch
        {
            await worker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks it to end, and gives what it has logged.</summary>
    public async Task<string> EndAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Eventually.Limit);
        return await _errors;
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
}
