namespace Pipeline.Coordinator.Lessons;

/// <summary>What one new token sees.</summary>
/// <param name="Visible">How many keys.</param>
/// <param name="Keys">One character a key: 0 is visible (nothing is added to its score), a dot is hidden.</param>
public sealed record MaskRow(int Sequence, int Position, int Visible, string Keys);
