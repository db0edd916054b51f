using System.Text.Json;
using Pipeline.Coordinator.Cli;

namespace Pipeline.Coordinator.Tests.Cli;

/// <summary>What the app answered to one command line, run inside this process.</summary>
internal sealed record CommandLineRun(ExitCode ExitCode, string Output, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    public static Task<CommandLineRun> Of(params string[] arguments) => Of(_ => { }, TestContext.Current.CancellationToken, arguments);

    /// <summary>With a chance to change the app or its terminal first.</summary>
    public static async Task<CommandLineRun> Of(Action<CoordinatorApp> prepare, CancellationToken cancellationToken, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var app = new CoordinatorApp(new Terminal(output, error));
        prepare(app);
        var exitCode = await app.RunAsync(arguments, cancellationToken);
        return new CommandLineRun(exitCode, output.ToString(), error.ToString());
    }
}
