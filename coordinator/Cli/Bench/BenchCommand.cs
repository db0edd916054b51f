using System.CommandLine;
using Pipeline.Coordinator.Benchmarking;
using Pipeline.Coordinator.Cli.Bench.Serve;
using Pipeline.Coordinator.Cli.Rendering;
using Pipeline.Coordinator.Cli.Run;

namespace Pipeline.Coordinator.Cli.Bench;

/// <summary><c>coordinator bench</c>: measures prefill and decode on pipelines of several lengths and sets them side by side.</summary>
internal static class BenchCommand
{
    public static Command Create(Terminal terminal)
    {
        var options = new BenchOptions();
        var command = new DocumentedCommand("bench", "Measure the throughput of pipelines with different numbers of stages.")
        {
            Notes =
            [
                "Tests are named as in llama-bench: pp512 is prefill of 512 prompt tokens, tg128 is 128 generated tokens after the",
                "first, @1024 on top of a context of 1024, x16 with 16 sequences at the same time. t/s counts all sequences together.",
                "Prompts are random token ids, new for each repetition; decoding is greedy and goes on after the end of text.",
                "Every test runs --warmup times and then, for up to 3 seconds, until it no longer gets faster: .NET compiles hot code",
                "while it runs. --warmup 0 leaves all that out.",
                "There is one pipeline for each stage count, built as 'run' would build it for the largest batch. With --weak, tests",
                "named x4/stage bring 4 sequences for each stage and are compared with x4 on one stage.",
                "bubble: share of all stages' time without computing, beside what the schedule alone explains. hop: from the end of a",
                "step in one stage until the next has read it. vs 1 stage: needs 1 among the --stages. share of bound, for decode: the",
                "weights and cache that had to be read, over the time and --bandwidth; without it, GB/s.",
            ],
            Examples =
            [
                "coordinator bench --stages 1,2,4",
                "coordinator bench --model bench-125m --load-format dummy --stages 1,2,4 -p 512 -n 64 --batch 1,4 --plot bench.svg",
                "coordinator bench --model /models/Mixtral-8x7B-v0.1 --device cuda --stages 2,4 --batch 1,16,64 --depth 0,1024 --weak --bandwidth 4800 --json",
            ],
        };
        options.AddTo(command);
        command.Add(ServeCommand.Create(terminal));
        command.Runs(async (parsed, cancellationToken) =>
        {
            var plan = options.Plan(parsed);
            await using var plot = OpenPlot(plan.PlotFile);
            foreach (var note in plan.ModelNotes)
            {
                terminal.Error.WriteLine($"note: {note}");
            }

            var session = new BenchmarkSession(plan.Settings, TimeProvider.System, new LaunchDisplay(terminal, TimeProvider.System), terminal.Error.WriteLine);
            var report = await session.RunAsync(plan.Launches, cancellationToken);
            Write(report, plan.Format, terminal);
            if (plot is not null)
            {
                await plot.WriteAsync(BenchmarkChart.Render(report));
                terminal.Error.WriteLine($"chart written to {plan.PlotFile}");
            }

            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>Before anything is measured: nobody wants to learn of a missing folder afterwards.</summary>
    private static StreamWriter? OpenPlot(string? file)
    {
        try
        {
            return file is null ? null : File.CreateText(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"cannot write the chart: {exception.Message}");
        }
    }

    private static void Write(BenchmarkReport report, OutputFormat format, Terminal terminal)
    {
        switch (format)
        {
            case OutputFormat.Json:
                JsonOutput.Write(terminal.Output, report);
                break;
            case OutputFormat.Csv:
                terminal.Output.Write(CsvTable.Render(report));
                break;
            default:
                terminal.Output.Write(MarkdownTable.Render(report));
                break;
        }
    }
}
