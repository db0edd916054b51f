using Pipeline.Coordinator.Cli;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Processes;

/// <summary>What becomes of a run whose output nobody takes any more.</summary>
public sealed class ClosedOutputTests
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "coordinator");

    [Fact]
    public async Task Run_ReaderLeavesEarly_EndsQuietlyWithTheCodeOfSigPipe()
    {
        var run = await ProgramRun.Of("bash", "-c", $"'{Program}' run --model '{Fixtures.TinyMixtral}' --prompt $'a\\nb' --ignore-eos -n 4000 | head -1; exit ${{PIPESTATUS[0]}}");

        Assert.Equal(((int)ExitCode.OutputClosed, "a\n"), (run.ExitCode, run.Output));
        Assert.DoesNotContain("error", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_DiskIsFull_SaysThatStandardOutputCannotBeWritten()
    {
        var run = await ProgramRun.Of("bash", "-c", $"'{Program}' run --model '{Fixtures.TinyMixtral}' --prompt-ids 1,5 --ignore-eos -n 4000 > /dev/full");

        Assert.Equal((int)ExitCode.Failure, run.ExitCode);
        Assert.Contains("error: cannot write standard output: No space left on device", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("PIPELINE_DEBUG", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ReaderLeavesInTheMiddle_LeavesNoWorker()
    {
        var leftovers = new LeftoverCheck();
        var writes = 0;
        using var text = new StringWriter();
        await using var output = new StandardOutput(text, () => ++writes < 20);
        using var error = new StringWriter();

        var exitCode = await new CoordinatorApp(new Terminal(output, error))
            .RunAsync(["run", "--model", Fixtures.TinyMixtral, "--stages", "2", "--prompt", "JULIET:", "--ignore-eos", "-n", "4000"], TestContext.Current.CancellationToken);

        Assert.Equal(ExitCode.OutputClosed, exitCode);
        Assert.StartsWith("JULIET:", text.ToString(), StringComparison.Ordinal);
        leftovers.AssertNothingLeft();
    }
}
