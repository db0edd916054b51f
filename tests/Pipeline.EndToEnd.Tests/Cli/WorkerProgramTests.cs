using Pipeline.Coordinator.Stages;
using Pipeline.EndToEnd.Tests.Processes;

namespace Pipeline.EndToEnd.Tests.Cli;

/// <summary>The command line of <c>stage-worker</c>.</summary>
public sealed class WorkerProgramTests(WorkerPool pool)
{
    [Theory]
    [InlineData("--listen here", "error: --listen wants an IP address and a port from 0 to 65535, for instance 127.0.0.1:0 or 0.0.0.0:50051; got 'here'")]
    [InlineData("--listen 127.0.0.1:65536", "got '127.0.0.1:65536'")]
    [InlineData("--listen 127.0.0.256:80", "got '127.0.0.256:80'")]
    [InlineData("--listen 127.0.0.1:5 --health-listen 127.0.0.1:5", "error: --listen 127.0.0.1:5 and --health-listen 127.0.0.1:5 want the same port")]
    [InlineData("--device tpu", "error: --device wants cpu, cuda or cuda:N, got 'tpu'")]
    [InlineData("--lisen *:1", "'--lisen'", "see stage-worker --help")]
    public async Task Start_BadOption_ExitsWith2AndSaysWhatWouldBeRight(string options, params string[] messages)
    {
        var run = await ProgramRun.Of(WorkerProgram.Locate(), options.Split(' '));

        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.All(messages, message => Assert.Contains(message, run.Error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Help_EveryValue_HasAName()
    {
        var run = await ProgramRun.Of(WorkerProgram.Locate(), "--help");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("--listen <HOST:PORT>", run.Output, StringComparison.Ordinal);
        Assert.Contains("--device <DEVICE>", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_PortTaken_ExitsWith3AndNamesTheAddress()
    {
        var taken = (await pool.TakeAsync(1))[0].Address;

        var run = await ProgramRun.Of(WorkerProgram.Locate(), "--listen", taken);

        Assert.Equal(3, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.Contains($"error: cannot listen on {taken}: Address already in use", run.Error, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }
}
