namespace Pipeline.Coordinator.Tokenization;

/// <summary>The content of a SentencePiece file, as far as byte-pair encoding with byte fallback needs it.</summary>
/// <param name="Path">Where it was read from, for messages.</param>
/// <param name="Pieces">The vocabulary by id.</param>
/// <param name="AddDummyPrefix">A text is encoded as if it began with one more space, and that space is dropped on decoding.</param>
/// <param name="UnknownSurface">What the unknown piece decodes to.</param>
internal sealed record SentencePieceModel(string Path, IReadOnlyList<SentencePiece> Pieces, bool AddDummyPrefix, string UnknownSurface);
