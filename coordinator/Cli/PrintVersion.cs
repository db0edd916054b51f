using System.CommandLine;
using System.CommandLine.Invocation;
using System.Reflection;

namespace Pipeline.Coordinator.Cli;

/// <summary>Prints the version of the coordinator itself, whatever program it runs in.</summary>
internal sealed class PrintVersion : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        var version = typeof(PrintVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>();
        parseResult.InvocationConfiguration.Output.WriteLine($"coordinator {version?.InformationalVersion ?? "unknown"}");
        return (int)ExitCode.Success;
    }
}
