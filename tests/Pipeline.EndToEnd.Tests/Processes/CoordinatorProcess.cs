using System.Diagnostics;
using System.Text;

namespace Pipeline.EndToEnd.Tests.Processes;

/// <summary>The built program <c>coordinator</c> as a child process, leader of a process group of its own as under a shell.</summary>
internal sealed class CoordinatorProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    private CoordinatorProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(_error, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public string Output => Text(_output);

    public string Error => Text(_error);

    public static CoordinatorProcess Start(string input, params string[] arguments) => StartUnder([], input, arguments);

    /// <param name="wrapper">A program and its arguments that end by becoming the command behind them.</param>
    public static CoordinatorProcess StartUnder(string[] wrapper, string input, params string[] arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "coordinator");
        var start = new ProcessStartInfo("setsid", [.. wrapper, program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var coordinator = new CoordinatorProcess(Process.Start(start)!);
        coordinator._process.StandardInput.Write(input);
        coordinator._process.StandardInput.Close();
        return coordinator;
    }

    /// <summary>Waits until the program has shown a text on standard error.</summary>
    public Task WaitForErrorAsync(string text) =>
        Eventually.HoldsAsync(() => Error.Contains(text, StringComparison.Ordinal), () => $"'{text}' on standard error, which is: {Error}");

    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Eventually.Limit);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static void Append(StringBuilder text, string? line)
    {
        lock (text)
        {
            text.AppendLine(line);
        }
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }
}
