namespace Pipeline.Coordinator.Tokenization;

/// <summary>One token as a listing shows it.</summary>
public readonly record struct ListedToken(int Id, string Piece);
