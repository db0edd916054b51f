namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>One bar: a value as text and as height, and optionally a second value that is marked across it.</summary>
/// <param name="Foot">What stands under the bar.</param>
internal sealed record ChartBar(string Foot, string Colour, double Value, string ValueText, double? Mark, string? MarkText);
