using System.CommandLine;
using System.CommandLine.Invocation;
using Pipeline.Coordinator.Serving;

namespace Pipeline.Coordinator.Cli;

/// <summary>Prints the version of the coordinator.</summary>
internal sealed class PrintVersion : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine($"coordinator {ProgramVersion.Current}");
        return (int)ExitCode.Success;
    }
}
