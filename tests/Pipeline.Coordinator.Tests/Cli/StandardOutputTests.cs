using Pipeline.Coordinator.Cli;

namespace Pipeline.Coordinator.Tests.Cli;

public class StandardOutputTests
{
    [Fact]
    public async Task Write_InAnyForm_ReachesTheConsole()
    {
        using var console = new StringWriter();
        await using var output = new StandardOutput(console, () => true);

        output.Write('a');
        output.Write("b");
        output.Write("cd".ToCharArray(), 1, 1);
        output.WriteLine();
        await output.WriteAsync("e");
        await output.WriteLineAsync("f");
        await output.FlushAsync(TestContext.Current.CancellationToken);

        Assert.Equal("abd\nef\n", console.ToString());
    }

    [Fact]
    public void Write_NobodyReads_SaysSo()
    {
        using var console = new StringWriter();
        using var output = new StandardOutput(console, () => false);

        Assert.True(Assert.Throws<OutputException>(() => output.Write("text")).HasNoReader);
        Assert.Empty(console.ToString());
    }

    [Fact]
    public void Write_ToAFullDisk_NamesStandardOutputAndTheCause()
    {
        using var console = new FullDisk();
        using var output = new StandardOutput(console, () => true);

        var error = Assert.Throws<OutputException>(() => output.WriteLine("text"));

        Assert.False(error.HasNoReader);
        Assert.Equal("cannot write standard output: No space left on device", error.Message);
    }

    private sealed class FullDisk : StringWriter
    {
        public override void Write(string? value) => throw new IOException("No space left on device");

        public override void WriteLine(string? value) => Write(value);
    }
}
