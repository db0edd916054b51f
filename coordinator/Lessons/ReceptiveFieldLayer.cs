namespace Pipeline.Coordinator.Lessons;

/// <summary>State after one layer.</summary>
/// <param name="Sources">For each position, the positions of the input tokens whose information it holds.</param>
public sealed record ReceptiveFieldLayer(int Layer, IReadOnlyList<IReadOnlyList<int>> Sources);
