namespace Pipeline.Coordinator.Lessons;

/// <summary>One token written to the ring.</summary>
/// <param name="Slot">Where it went: its position modulo the ring's length.</param>
/// <param name="Overwritten">The token that lay there; null when the slot was free.</param>
/// <param name="Slots">Contents of all slots afterwards; null is free.</param>
/// <param name="Pointer">The slot that the next token goes to.</param>
/// <param name="FirstVisible">The oldest position that this token attends to.</param>
public sealed record CacheStep(
    int Position, string Token, int Slot, string? Overwritten, IReadOnlyList<string?> Slots, int Pointer, int FirstVisible);
