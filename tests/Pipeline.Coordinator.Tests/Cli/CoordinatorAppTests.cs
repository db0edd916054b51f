using System.CommandLine;
using System.CommandLine.Parsing;
using Pipeline.Coordinator.Cli;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Cli;

public class CoordinatorAppTests
{
    [Theory]
    [InlineData("plna", "error: unknown command 'plna'; did you mean 'plan'?", "see 'coordinator --help'")]
    [InlineData("frobnicate", "error: unknown command 'frobnicate'", "see 'coordinator --help'")]
    [InlineData("explain maks", "error: unknown command 'maks'; did you mean 'mask'?", "see 'coordinator explain --help'")]
    [InlineData("plan --stagse 4", "error: unknown option '--stagse'; did you mean '--stages'?", "see 'coordinator plan --help'")]
    [InlineData("plan --stages 4 --jsn", "error: unknown option '--jsn'; did you mean '--json'?", "see 'coordinator plan --help'")]
    [InlineData("plan --stages 4 --quantisation q4", "error: unknown option '--quantisation'", "see 'coordinator plan --help'")]
    [InlineData("explain mask --widnow 3", "error: unknown option '--widnow'; did you mean '--window'?", "see 'coordinator explain mask --help'")]
    [InlineData("plan 4", "error: unknown argument '4'", "see 'coordinator plan --help'")]
    [InlineData("plan --stages", "error: required argument missing for option: '--stages'", "see 'coordinator plan --help'")]
    [InlineData("explain mask", "error: option '--seqlens' is required", "see 'coordinator explain mask --help'")]
    [InlineData("plan --stages 0", "error: --stages wants a whole number from 1 to 1024, got '0'", "see 'coordinator plan --help'")]
    [InlineData("plan --stages -2", "error: --stages wants a whole number from 1 to 1024, got '-2'", "see 'coordinator plan --help'")]
    [InlineData("plan -pp four", "error: -pp wants a whole number from 1 to 1024, got 'four'", "see 'coordinator plan --help'")]
    [InlineData("plan --stages 99999999999", "error: --stages wants a whole number from 1 to 1024, got '99999999999'", "see 'coordinator plan --help'")]
    [InlineData("plan --layers-per-stage 3,,2", "error: --layers-per-stage wants whole numbers from 1 to 10000 with commas between them, got '3,,2'", "see 'coordinator plan --help'")]
    [InlineData("plan --stages 2 --memory-per-stage 80XB", "error: --memory-per-stage wants a size above 0 such as 80GiB, 24GB or 1048576, got '80XB'", "see 'coordinator plan --help'")]
    [InlineData("plan --stages 2 --memory-per-stage 0", "error: --memory-per-stage wants a size above 0 such as 80GiB, 24GB or 1048576, got '0'", "see 'coordinator plan --help'")]
    [InlineData("run --seed 9223372036854775808", "error: --seed wants a whole number from -9223372036854775808 to 9223372036854775807, got '9223372036854775808'", "see 'coordinator run --help'")]
    [InlineData("bench --seed x", "error: --seed wants a whole number from -9223372036854775808 to 9223372036854775807, got 'x'", "see 'coordinator bench --help'")]
    [InlineData("run --system brief", "error: --system says how a chat is put; add --chat or leave it out", "see 'coordinator run --help'")]
    [InlineData("run --chat-format v2", "error: --chat-format says how a chat is put; add --chat or leave it out", "see 'coordinator run --help'")]
    [InlineData("tokenize x --system brief", "error: --system says how a chat is put; add --chat or leave it out", "see 'coordinator tokenize --help'")]
    [InlineData("tokenize --decode --chat 1", "error: --decode makes text of token ids and --chat token ids of text; leave one out", "see 'coordinator tokenize --help'")]
    [InlineData("run --block-size 100000000", "error: --block-size wants a whole number from 1 to 1024, got '100000000'", "see 'coordinator run --help'")]
    [InlineData("bench serve --plot load.png", "error: --plot wants the name of a file that ends in .svg, got 'load.png'", "see 'coordinator bench serve --help'")]
    [InlineData("run --kernels fast", "error: --kernels wants one of auto, torch, cpu, cuda, got 'fast'", "see 'coordinator run --help'")]
    [InlineData("plan --stages 2 --dtype q4", "error: --dtype wants one of bf16, f16, f32, bfloat16, float16, float32, got 'q4'", "see 'coordinator plan --help'")]
    [InlineData("explain routing --logits 1,x", "error: --logits wants numbers with commas between them, got '1,x'", "see 'coordinator explain routing --help'")]
    [InlineData("explain schedule --mode train", "error: --mode wants one of prefill, decode, got 'train'", "see 'coordinator explain schedule --help'")]
    [InlineData("", "error: a command is missing: run, serve, top, verify, tokenize, bench, plan, certs, explain", "see 'coordinator --help'")]
    [InlineData("explain", "error: a command is missing: mask, cache, receptive-field, routing, schedule", "see 'coordinator explain --help'")]
    public async Task Run_BadUsage_SaysWhatIsWrongAndWhereHelpIs(string line, string error, string hint)
    {
        var run = await CommandLineRun.Of(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Equal([error, hint], Lines(run.Error));
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task Run_HelpOfEveryCommand_Succeeds()
    {
        foreach (var path in CommandPaths())
        {
            var run = await CommandLineRun.Of([.. path, "--help"]);

            Assert.Equal(ExitCode.Success, run.ExitCode);
            Assert.Empty(run.Error);
            Assert.Contains("Usage:", run.Output, StringComparison.Ordinal);
            Assert.Contains("Exit codes:", run.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Help_EveryCommandThatDoesSomething_HasNotesAndExamplesThatParse()
    {
        var app = new CoordinatorApp(new Terminal(TextWriter.Null, TextWriter.Null));
        var leaves = CommandPaths().Select(path => path.Aggregate(app.Root, (command, name) => command.Subcommands.Single(sub => sub.Name == name)))
            .Where(command => command.Subcommands.Count == 0).ToArray();

        Assert.True(leaves.Length >= 6);
        Assert.All(leaves.Cast<DocumentedCommand>(), leaf =>
        {
            Assert.NotEmpty(leaf.Notes);
            Assert.NotEmpty(leaf.Examples);
            Assert.All(leaf.Examples, example =>
            {
                Assert.StartsWith("coordinator ", example, StringComparison.Ordinal);
                var parsed = app.Root.Parse(example["coordinator ".Length..]);
                Assert.Empty(parsed.Errors);
                Assert.Same(leaf, parsed.CommandResult.Command);
            });
        });
    }

    /// <summary>Those that start no process and need nothing but the model that the program brings along.</summary>
    [Fact]
    public async Task Help_ExamplesForTheDefaultModel_Work()
    {
        var root = new CoordinatorApp(new Terminal(TextWriter.Null, TextWriter.Null)).Root;
        var examples = CommandPaths().Select(path => path.Aggregate(root, (command, name) => command.Subcommands.Single(sub => sub.Name == name)))
            .OfType<DocumentedCommand>().Where(command => command.Name is "tokenize" or "plan" || command.Parents.Any(parent => parent.Name == "explain"))
            .SelectMany(command => command.Examples).Where(example => !example.Contains("--model", StringComparison.Ordinal)).ToList();

        Assert.True(examples.Count >= 8);
        foreach (var example in examples)
        {
            var run = await CommandLineRun.Of([.. CommandLineParser.SplitCommandLine(example).Skip(1)]);
            Assert.Equal((example, ExitCode.Success, ""), (example, run.ExitCode, run.Error));
        }
    }

    [Fact]
    public async Task Run_HelpBesideAMistake_StillHelps()
    {
        var run = await CommandLineRun.Of("plan", "--stagse", "4", "--help");
        Assert.Equal(ExitCode.Success, run.ExitCode);
        Assert.Contains("--stages", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_HelpOfExitCodes_NamesEveryOne()
    {
        var help = (await CommandLineRun.Of("--help")).Output;
        Assert.All(Enum.GetValues<ExitCode>(), code => Assert.Contains($"\n  {(int)code,-3}  ", help, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_HelpOfEveryCommand_NamesADefaultOnce()
    {
        foreach (var path in CommandPaths())
        {
            var help = string.Join(' ', (await CommandLineRun.Of([.. path, "--help"])).Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            Assert.DoesNotMatch(@"\(default[^)]*\) \[default", help);
        }
    }

    [Theory]
    [InlineData("run", "--stages <N> Number of stages that share the model's layers (default: as many as --workers names, otherwise 1)")]
    [InlineData("run", "--seed <N> Same seed, same text; prompt i draws with seed + i [default: 0]")]
    [InlineData("plan", "--stages <N> Number of stages that share the model's layers --")]
    public async Task Run_Help_TellsWhatHoldsWithoutTheOption(string command, string expected)
    {
        var help = (await CommandLineRun.Of(command, "--help")).Output;
        Assert.Contains(expected, string.Join(' ', help.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Version_IsTheCoordinatorsOwn()
    {
        var run = await CommandLineRun.Of("--version");
        Assert.Equal(ExitCode.Success, run.ExitCode);
        Assert.Matches(@"^coordinator \d+\.\d+\.\d+\S*\n$", run.Output);
    }

    [Fact]
    public async Task Run_UserError_IsOneLineWithoutAStack()
    {
        var run = await Failing(new UserErrorException("no such\nmodel"));
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Equal("error: no such model\n", run.Error);
    }

    [Fact]
    public async Task Run_BadModelConfig_IsTheUsersToMend()
    {
        var run = await Failing(new ModelConfigException("config.json: vocab_size is missing"));
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Equal("error: config.json: vocab_size is missing\n", run.Error);
    }

    [Fact]
    public async Task Run_StageFailure_NamesTheStage()
    {
        var run = await Failing(new StageException(StageError.Unreachable, "no answer from 10.0.0.3:7002", stageIndex: 2));
        Assert.Equal(ExitCode.StageFailed, run.ExitCode);
        Assert.Equal("error: stage 2: no answer from 10.0.0.3:7002 (Unreachable)\n", run.Error);
    }

    [Fact]
    public async Task Run_OutputWithoutReader_EndsQuietly()
    {
        var run = await Failing(new OutputException("standard output is closed", hasNoReader: true, cause: null));
        Assert.Equal((ExitCode.OutputClosed, ""), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task Run_OutputThatCannotBeWritten_IsNoDefect()
    {
        var run = await Failing(new OutputException("cannot write standard output: No space left on device", hasNoReader: false, cause: null));
        Assert.Equal((ExitCode.Failure, "error: cannot write standard output: No space left on device\n"), (run.ExitCode, run.Error));
    }

    [Theory]
    [InlineData(false, "PIPELINE_DEBUG=1 shows where it happened")]
    [InlineData(true, "   at ")]
    public async Task Run_Defect_IsOneLineAndAWayToTheStack(bool debug, string expected)
    {
        using var error = new StringWriter();
        var app = new CoordinatorApp(new Terminal(TextWriter.Null, error) { ShowsStackTraces = debug });
        AddFailing(app, _ => throw new InvalidOperationException("boom"));

        Assert.Equal(ExitCode.Failure, await app.RunAsync(["fail"], TestContext.Current.CancellationToken));
        Assert.Equal("error: unexpected InvalidOperationException: boom", Lines(error.ToString())[0]);
        Assert.Contains(expected, error.ToString(), StringComparison.Ordinal);
        Assert.Equal(debug, error.ToString().Contains("   at ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_Interrupted_CancelsTheActionsToken()
    {
        using var interruption = new CancellationTokenSource();
        var run = CommandLineRun.Of(app => AddFailing(app, token => Task.Delay(Timeout.Infinite, token)), interruption.Token, "fail");
        await interruption.CancelAsync();

        var finished = await run;
        Assert.Equal(ExitCode.Interrupted, finished.ExitCode);
        Assert.Equal("error: interrupted\n", finished.Error);
    }

    [Fact]
    public async Task Run_CancelledByItself_IsADefectNotAnInterruption() =>
        Assert.Equal(ExitCode.Failure, (await Failing(new OperationCanceledException("lost patience"))).ExitCode);

    private static Task<CommandLineRun> Failing(Exception exception) =>
        CommandLineRun.Of(app => AddFailing(app, _ => throw exception), TestContext.Current.CancellationToken, "fail");

    private static void AddFailing(CoordinatorApp app, Func<CancellationToken, Task> action)
    {
        var command = new DocumentedCommand("fail", "Fails.");
        command.Runs(async (_, cancellationToken) =>
        {
            await action(cancellationToken);
            return ExitCode.Success;
        });
        app.Root.Add(command);
    }

    private static List<string[]> CommandPaths()
    {
        var paths = new List<string[]>();
        Walk(new CoordinatorApp(new Terminal(TextWriter.Null, TextWriter.Null)).Root, []);
        return paths;

        void Walk(Command command, string[] path)
        {
            paths.Add(path);
            foreach (var sub in command.Subcommands)
            {
                Walk(sub, [.. path, sub.Name]);
            }
        }
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
