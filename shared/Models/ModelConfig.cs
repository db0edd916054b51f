namespace Pipeline.Shared.Models;

/// <summary>
/// Shape of a decoder of the Mistral family, whatever file it was read from. One decoder serves them all: dense and
/// sparse, with and without window.
/// </summary>
public sealed record ModelConfig
{
    /// <summary>What to call the model in tables, for instance <c>mixtral-8x7b</c> or the folder's name.</summary>
    public required string Name { get; init; }

    /// <summary>Width of the residual stream (Mistral: dim).</summary>
    public required int HiddenSize { get; init; }

    public required int LayerCount { get; init; }

    /// <summary>Query heads. Query head j reads key/value head j / (HeadCount / KvHeadCount).</summary>
    public required int HeadCount { get; init; }

    public required int KvHeadCount { get; init; }

    /// <summary>Width of one head; independent of <see cref="HiddenSize"/> (Nemo: 32 * 128 is not 5120).</summary>
    public required int HeadDim { get; init; }

    /// <summary>Width inside the feed-forward block (Mistral: hidden_dim).</summary>
    public required int IntermediateSize { get; init; }

    public required int VocabularySize { get; init; }

    public required double NormEpsilon { get; init; }

    public required double RopeTheta { get; init; }

    /// <summary>
    /// Sliding windows by layer: the pattern repeats over the global layer index; null means full attention. A query at
    /// position p sees the keys max(0, p - window + 1) .. p.
    /// </summary>
    public required IReadOnlyList<int?> WindowPattern { get; init; }

    /// <summary>Null for a dense model.</summary>
    public MoeConfig? Moe { get; init; }

    /// <summary>The output head shares the embedding's weight.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>Longest sequence the model was made for.</summary>
    public required int MaxPositions { get; init; }

    public int BosTokenId { get; init; } = 1;

    public IReadOnlyList<int> EosTokenIds { get; init; } = [2];

    /// <summary>Element type of the checkpoint.</summary>
    public ElementType WeightType { get; init; } = ElementType.BFloat16;

    /// <summary>Window of a layer by its global index; null means full attention.</summary>
    public int? WindowOf(int layer) => WindowPattern[layer % WindowPattern.Count];

    /// <summary>Rows of the fused query/key/value projection.</summary>
    public int QkvSize => (HeadCount + (2 * KvHeadCount)) * HeadDim;

    /// <summary>Distinct windows in order of first appearance. Layers of one window share block tables: a cache group.</summary>
    public IReadOnlyList<int?> DistinctWindows =>
        [.. Enumerable.Range(0, LayerCount).Select(WindowOf).Distinct()];

    /// <summary>Cache group of a layer: the index of its window in <see cref="DistinctWindows"/>.</summary>
    public int CacheGroupOf(int layer)
    {
        var window = WindowOf(layer);
        for (var group = 0; group < DistinctWindows.Count; group++)
        {
            if (DistinctWindows[group] == window)
            {
                return group;
            }
        }

        throw new ArgumentOutOfRangeException(nameof(layer), layer, $"the model has {LayerCount} layers");
    }
}
