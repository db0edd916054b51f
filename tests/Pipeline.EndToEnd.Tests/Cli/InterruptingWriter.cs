using System.Text;

namespace Pipeline.EndToEnd.Tests.Cli;

/// <summary>Standard output that presses Ctrl-C after a number of writes; what came by then was written while the command ran.</summary>
internal sealed class InterruptingWriter(int writes, CancellationTokenSource interruption) : StringWriter
{
    private int _written;

    public override Encoding Encoding => Encoding.UTF8;

    public override async Task WriteAsync(string? value)
    {
        await base.WriteAsync(value);
        if (++_written == writes)
        {
            await interruption.CancelAsync();
        }
    }
}
