using System.CommandLine;

namespace Pipeline.Coordinator.Cli.Certs;

/// <summary><c>coordinator certs</c>: certificates for a pipeline whose hosts have nobody else to make them.</summary>
internal static class CertsCommand
{
    public static Command Create(Terminal terminal, TimeProvider timeProvider) =>
        new DocumentedCommand("certs", "Certificates for the way between coordinator and stages.") { InitCommand.Create(terminal, timeProvider), RenewCommand.Create(terminal, timeProvider) };
}
