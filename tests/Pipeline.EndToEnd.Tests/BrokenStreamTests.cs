using System.Text;
using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Stages;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests;

/// <summary>A stream of steps that breaks while everybody waits for its result, although every worker and every lease lives on.</summary>
public class BrokenStreamTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Run_StreamIntoAStageIsCut_EndsWithAFailureInsteadOfWaiting(int stage)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        await using var first = await WorkerProcess.StartAsync(0, "cpu", WorkerEnvironment.ForLocal("cpu"), TimeProvider.System, patience.Token);
        await using var second = await WorkerProcess.StartAsync(1, "cpu", WorkerEnvironment.ForLocal("cpu"), TimeProvider.System, patience.Token);
        await using var toFirst = new CuttableRelay(first.Address);
        await using var toSecond = new CuttableRelay(second.Address);
        using var error = new StringWriter();
        var output = new CountingWriter(cutAfter: 20, (stage == 0 ? toFirst : toSecond).CutNewest);

        var exitCode = await new CoordinatorApp(new Terminal(output, error)).RunAsync(
            ["run", "--model", Fixtures.TinyMixtral, "--workers", $"{toFirst.Address},{toSecond.Address}", "--prompt-ids", "1,5,9", "--ignore-eos", "--max-tokens", "2000"],
            patience.Token);

        Assert.True(output.IsCut, error.ToString());
        Assert.True(exitCode == ExitCode.StageFailed, $"{exitCode}: {error}");
        Assert.True(error.ToString().Contains($"error: stage {stage}: ", StringComparison.Ordinal), error.ToString());
    }

    /// <summary>Output that does something once so many pieces have come.</summary>
    private sealed class CountingWriter(int cutAfter, Action cut) : StringWriter
    {
        private int _pieces;

        public bool IsCut => _pieces >= cutAfter;

        public override Encoding Encoding => Encoding.UTF8;

        public override Task WriteAsync(string? value)
        {
            if (++_pieces == cutAfter)
            {
                cut();
            }

            return Task.CompletedTask;
        }
    }
}
