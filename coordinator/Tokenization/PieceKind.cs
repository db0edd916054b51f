namespace Pipeline.Coordinator.Tokenization;

/// <summary>What a vocabulary entry is for; the numbers are those of the SentencePiece file format.</summary>
internal enum PieceKind
{
    Normal = 1,
    Unknown = 2,

    /// <summary>Has an id but no text: neither produced from text nor visible in decoded text.</summary>
    Control = 3,

    /// <summary>Cut out of plain text whole, before any merge.</summary>
    UserDefined = 4,

    Unused = 5,

    /// <summary>One byte of a character that has no piece of its own, written <c>&lt;0x0A&gt;</c>.</summary>
    Byte = 6,
}
