using System.CommandLine;
using Pipeline.Coordinator.Benchmarking;
using Pipeline.Coordinator.Cli.Rendering;
using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary><c>coordinator bench serve</c>: loads a server, ours or any other that speaks OpenAI's protocol, and tells how it fared.</summary>
internal static class ServeCommand
{
    public static Command Create(Terminal terminal)
    {
        var options = new ServeOptions();
        var command = new DocumentedCommand("serve", "Load any OpenAI-compatible server with requests and measure how it answers.")
        {
            Notes =
            [
                "TTFT: from sending a request to its first text. TPOT: (latency - TTFT) / (tokens - 1). ITL: between two pieces of text.",
                "E2EL: to the last text. Tokens are as the server counts them, or pieces of text when it does not say.",
                "Requests are made when the arrival process says so, even if the server is behind; with --max-concurrency they wait",
                "for a place first, and that time is not counted. Peak throughput is that of the best second.",
                "Random prompts are sent as token ids if the server takes them, otherwise as words; the result says which.",
                "Latencies and tokens are of successful requests only. 429 answers are counted apart; any other failure makes the exit",
                "code 1. The first requests of a run pay for connections and for code that was never run: --num-warmups leaves them out.",
                "Ctrl-C ends the run and reports what was measured so far.",
            ],
            Examples =
            [
                "coordinator bench serve --random-input-len 128 --random-output-len 64 --num-prompts 200 --max-concurrency 16 --ignore-eos",
                "coordinator bench serve --base-url http://10.0.0.5:8000 --request-rate 4 --burstiness 0.5 --goodput ttft:500 tpot:50 --plot load.svg",
                "coordinator bench serve --base-url http://127.0.0.1:8080 --endpoint /v1/chat/completions --dataset-path prompts.txt --json",
            ],
        };
        options.AddTo(command);
        command.Runs((parsed, cancellationToken) => RunAsync(options.Plan(parsed, Environment.GetEnvironmentVariable), terminal, cancellationToken));
        return command;
    }

    private static async Task<ExitCode> RunAsync(ServePlan plan, Terminal terminal, CancellationToken cancellationToken)
    {
        await using var resultFile = Open(plan.ResultFile, "result");
        await using var plotFile = Open(plan.PlotFile, "chart");
        var environment = BenchmarkEnvironment.Current(TimeProvider.System);
        using var session = new ServeSession(plan, terminal, TimeProvider.System);
        var target = await session.FindTargetAsync(cancellationToken);
        var outcomes = await session.RunAsync(target, cancellationToken);
        var result = LoadStatistics.Of(outcomes, plan.Requests, plan.Goodput, plan.Percents);
        var report = new LoadReport(environment, target.Address, target.Model, session.Form, session.VocabularySize, plan.Settings, plan.Fields, plan.Goodput, result);
        if (cancellationToken.IsCancellationRequested)
        {
            terminal.Error.WriteLine("interrupted: this is what was measured until then");
        }

        Write(report, plan, terminal);
        if (resultFile is not null)
        {
            JsonOutput.Write(resultFile, report);
            terminal.Error.WriteLine($"result written to {plan.ResultFile}");
        }

        if (plotFile is not null)
        {
            await plotFile.WriteAsync(LoadChart.Render(report, outcomes, plan.Metrics));
            terminal.Error.WriteLine($"chart written to {plan.PlotFile}");
        }

        return cancellationToken.IsCancellationRequested ? ExitCode.Interrupted
            : result is { Failed: 0, Successful: > 0 } ? ExitCode.Success
            : ExitCode.Failure;
    }

    /// <summary>Before anything is measured: nobody wants to learn of a missing folder afterwards.</summary>
    private static StreamWriter? Open(string? file, string what)
    {
        try
        {
            return file is null ? null : File.CreateText(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"cannot write the {what}: {exception.Message}");
        }
    }

    private static void Write(LoadReport report, ServePlan plan, Terminal terminal)
    {
        switch (plan.Output)
        {
            case ServeOutput.Json:
                JsonOutput.Write(terminal.Output, report);
                break;
            case ServeOutput.Markdown:
                terminal.Output.Write(ResultText.Markdown(report, plan.Metrics));
                break;
            default:
                terminal.Output.Write(ResultText.Block(report, plan.Metrics));
                break;
        }
    }
}
