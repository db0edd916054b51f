using Pipeline.Shared.Models;

namespace Pipeline.TestKit.Oracle;

/// <summary>
/// Seeded weights of a whole model in plain arrays, row-major; query and key rows in the order in which halves rotate. Large
/// enough that attention and routing are far from uniform; norm weights differ from 1.
/// </summary>
public sealed class RandomWeights
{
    private readonly Dictionary<TensorSlot, float[]> _tensors;

    public RandomWeights(ModelConfig config, int seed)
    {
        Config = config;
        var random = new Random(seed);
        _tensors = ModelTensors.Of(config).ToDictionary(slot => slot, slot => Fill(random, slot.Kind, ModelTensors.ShapeOf(config, slot.Kind)));
    }

    public ModelConfig Config { get; }

    /// <summary>A weight; a tied head is the embedding. The array may be changed to make a model with one property.</summary>
    public float[] this[TensorSlot slot] =>
        _tensors[slot.Kind == TensorKind.Head && Config.TiedEmbeddings ? TensorSlot.OfModel(TensorKind.Embedding) : slot];

    private static float[] Fill(Random random, TensorKind kind, TensorShape shape)
    {
        var values = new float[shape.ElementCount];
        var deviation = kind == TensorKind.Embedding ? 1 : (kind == TensorKind.Router ? 3 : 1.5) / Math.Sqrt(shape.Columns);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (float)(shape.IsVector ? 0.5 + random.NextDouble() : deviation * Normal(random));
        }

        return values;
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
