namespace Pipeline.Coordinator.Sharding;

/// <summary>What one part of the model (a layer, the embedding, the head) costs the stage that holds it.</summary>
/// <param name="Tensors">Tensors of the checkpoint, counted as Hugging Face names them.</param>
/// <param name="WeightBytes">Memory that its weights take.</param>
/// <param name="BytesPerToken">Weight bytes read to compute one token: decode is bound by these.</param>
public readonly record struct PartCost(int Tensors, long WeightBytes, long BytesPerToken)
{
    public static PartCost operator +(PartCost left, PartCost right) => Add(left, right);

    public static PartCost Add(PartCost left, PartCost right) =>
        new(left.Tensors + right.Tensors, left.WeightBytes + right.WeightBytes, left.BytesPerToken + right.BytesPerToken);
}
