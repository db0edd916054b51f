using System.Text.Json;
using Pipeline.Coordinator.Cli;

namespace Pipeline.EndToEnd.Tests.Cli;

/// <summary>What the app answered to one command line, run inside this process with real workers.</summary>
internal sealed record CommandLineRun(ExitCode ExitCode, string Output, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    /// <summary>The outputs of a <c>run --json</c>.</summary>
    public IReadOnlyList<JsonElement> Outputs => [.. Json.GetProperty("outputs").EnumerateArray()];

    public IReadOnlyList<string> Texts => [.. Outputs.Select(output => output.GetProperty("text").GetString()!)];

    public static Task<CommandLineRun> Of(params string[] arguments) => Of(null, arguments);

    /// <summary>With something on standard input.</summary>
    public static async Task<CommandLineRun> Of(TextReader? input, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var app = new CoordinatorApp(new Terminal(output, error) { Input = input });
        var exitCode = await app.RunAsync(arguments, TestContext.Current.CancellationToken);
        return new CommandLineRun(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>One that is expected to succeed.</summary>
    public static async Task<CommandLineRun> Succeeding(params string[] arguments)
    {
        var run = await Of(arguments);
        Assert.True(run.ExitCode == ExitCode.Success, $"{run.ExitCode}: {run.Error}");
        return run;
    }
}
