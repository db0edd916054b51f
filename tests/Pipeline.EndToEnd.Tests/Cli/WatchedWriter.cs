using System.Text;

namespace Pipeline.EndToEnd.Tests.Cli;

/// <summary>An output that tells when what was written so far fulfils a condition.</summary>
internal sealed class WatchedWriter(Func<string, bool> condition) : StringWriter
{
    private readonly TaskCompletionSource _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override Encoding Encoding => Encoding.UTF8;

    public Task Seen => _seen.Task;

    public override void WriteLine(string? value)
    {
        base.WriteLine(value);
        Check();
    }

    public override async Task WriteAsync(string? value)
    {
        await base.WriteAsync(value);
        Check();
    }

    private void Check()
    {
        if (condition(ToString()))
        {
            _seen.TrySetResult();
        }
    }
}
