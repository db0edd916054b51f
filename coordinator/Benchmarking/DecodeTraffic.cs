using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>
/// Bytes that decode has to read from memory whatever the program does: the weights for every microbatch again, and each
/// sequence's own keys and values. Memory bandwidth over this is the bound.
/// </summary>
public sealed class DecodeTraffic(ModelConfig config, ElementType elementType)
{
    private readonly ModelSize _size = new(config with { WeightType = elementType });

    /// <summary>
    /// Weights that one microbatch reads: everything but the embedding, of which a token gathers one row. Of the experts of a
    /// layer those that at least one sequence visits: with uniform routing E * (1 - (1 - k/E)^n) of them.
    /// </summary>
    public double WeightBytes(int sequences) =>
        ((config.LayerCount * LayerParameters(sequences)) + HeadParameters) * elementType.ByteSize();

    /// <summary>Keys and values that one sequence reads for the token at a position, over all layers; a window bounds them.</summary>
    public double CacheBytes(int position) => Enumerable.Range(0, config.LayerCount)
        .Sum(layer => (double)Math.Min(position + 1, config.WindowOf(layer) ?? int.MaxValue) * _size.KvBytesPerTokenPerLayer(elementType));

    /// <summary>One token for each sequence of a batch that is spread over microbatches as evenly as possible.</summary>
    public double RoundBytes(int batch, int microbatches, double cacheBytesPerSequence)
    {
        var fuller = batch % microbatches;
        return (fuller * WeightBytes((batch / microbatches) + 1))
            + ((microbatches - fuller) * WeightBytes(batch / microbatches))
            + (batch * cacheBytesPerSequence);
    }

    /// <summary>Mean over the tokens of a test.</summary>
    public double MeanCacheBytes(BenchmarkTest test)
    {
        ArgumentNullException.ThrowIfNull(test);
        return Enumerable.Range(test.PromptLength, test.Tokens).Average(CacheBytes);
    }

    private long HeadParameters => (config.TiedEmbeddings ? _size.EmbeddingParameters : _size.HeadParameters) + config.HiddenSize;

    private double LayerParameters(int sequences)
    {
        if (config.Moe is not { } moe)
        {
            return _size.LayerParameters;
        }

        var visited = moe.ExpertCount * (1 - Math.Pow(1 - ((double)moe.ExpertsPerToken / moe.ExpertCount), sequences));
        return _size.LayerParameters - ((moe.ExpertCount - visited) * _size.ExpertParameters);
    }
}
