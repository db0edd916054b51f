namespace Pipeline.Coordinator.Cli.Rendering;

/// <summary>A number of things in words: <c>1 worker</c>, <c>2 workers</c>.</summary>
internal static class Quantity
{
    public static string Of(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";
}
