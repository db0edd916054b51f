using Pipeline.Shared.Models;

namespace Pipeline.Protos.Framing;

/// <summary>What a stage accepts; whatever is larger is refused before memory is taken for it.</summary>
/// <param name="ExpectsHidden">False for the first stage, which gets tokens only.</param>
public sealed record FrameLimits(bool ExpectsHidden, int MaxRows, int Width, ElementType ElementType)
{
    /// <summary>Largest piece of a tensor in one message.</summary>
    public const int PieceBytes = 256 * 1024;
}
