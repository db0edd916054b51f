namespace Pipeline.Coordinator.Tokenization;

/// <summary>One entry of the vocabulary; its id is its place in the file.</summary>
/// <param name="Score">Merges with a higher score come first.</param>
internal readonly record struct SentencePiece(string Text, float Score, PieceKind Kind);
