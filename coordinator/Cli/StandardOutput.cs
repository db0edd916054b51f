using System.Runtime.InteropServices;
using System.Text;

namespace Pipeline.Coordinator.Cli;

/// <summary>
/// The process's standard output, which says when it takes nothing more. .NET's own writer drops what goes to a closed pipe and
/// tells nobody, so a command would compute on for no reader.
/// </summary>
internal sealed partial class StandardOutput(TextWriter console, Func<bool> hasReader) : TextWriter
{
    private const int Descriptor = 1;
    private const short PollError = 8;

    public override Encoding Encoding => console.Encoding;

    public static StandardOutput OfProcess() => new(Console.Out, HasReader);

    public override void Write(char value) => Guarded(() => console.Write(value));

    public override void Write(char[] buffer, int index, int count) => Guarded(() => console.Write(buffer, index, count));

    public override void Write(string? value) => Guarded(() => console.Write(value));

    public override void WriteLine(string? value) => Guarded(() => console.WriteLine(value));

    public override void Flush() => Guarded(console.Flush);

    private void Guarded(Action write)
    {
        if (!hasReader())
        {
            throw new OutputException("standard output is closed", hasNoReader: true, cause: null);
        }

        try
        {
            write();
        }
        catch (IOException exception)
        {
            throw new OutputException($"cannot write standard output: {exception.Message}", hasNoReader: false, exception);
        }
    }

    /// <summary>The writing end of a pipe is in error once its reading end is closed.</summary>
    private static bool HasReader()
    {
        var poll = new PollEntry { Descriptor = Descriptor };
        return Poll(ref poll, 1, 0) <= 0 || (poll.Returned & PollError) == 0;
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(ref PollEntry entries, nuint count, int milliseconds);

    /// <summary><c>struct pollfd</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Requested;
        public short Returned;
    }
}
