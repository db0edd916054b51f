namespace Pipeline.Shared.Models;

/// <summary>
/// Largest sizes that are taken for a model's: several times those of any known one, and small enough that all bytes of weights, and of
/// the cache of one sequence, can be counted in a <see cref="long"/>.
/// </summary>
internal static class ConfigLimits
{
    public const int Layers = 1000;
    public const int HiddenSize = 131_072;
    public const int IntermediateSize = 1_048_576;
    public const int Heads = 4096;
    public const int HeadDim = 1024;
    public const int VocabularySize = 16_777_216;
    public const int Experts = 1024;
    public const int Positions = 100_000_000;
}
