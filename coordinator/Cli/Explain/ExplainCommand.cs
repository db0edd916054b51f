using System.CommandLine;

namespace Pipeline.Coordinator.Cli.Explain;

/// <summary><c>coordinator explain</c>: the ideas behind the product, computed by the product's own rules.</summary>
internal static class ExplainCommand
{
    public static Command Create(Terminal terminal) =>
        new DocumentedCommand("explain", "Show one idea at work, computed by the rules that the product itself runs on.")
        {
            MaskCommand.Create(terminal),
            CacheCommand.Create(terminal),
            ReceptiveFieldCommand.Create(terminal),
            RoutingCommand.Create(terminal),
            ScheduleCommand.Create(terminal),
        };
}
