using System.ComponentModel;
using System.Diagnostics;

namespace Pipeline.Cluster.Tests;

/// <summary>A program that is expected to end by itself.</summary>
internal sealed record ProgramRun(int ExitCode, string Output, string Error)
{
    /// <summary>Null where there is no such program.</summary>
    public static async Task<ProgramRun?> TryAsync(string program, params string[] arguments)
    {
        try
        {
            return await OfAsync(program, arguments);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    public static async Task<ProgramRun> OfAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Eventually.Limit);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        return new ProgramRun(process.ExitCode, await output, await error);
    }

    /// <summary>What a program prints that is expected to succeed.</summary>
    public static async Task<string> OutputOfAsync(string program, params string[] arguments)
    {
        var run = await OfAsync(program, arguments);
        return run.ExitCode == 0 ? run.Output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {run.ExitCode}: {run.Error}{run.Output}");
    }
}
