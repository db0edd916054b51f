namespace Pipeline.Shared.Models;

/// <summary>
/// Place of one weight in the model: its kind, its global layer index and its expert; <see cref="None"/> where there is none.
/// </summary>
public readonly record struct TensorSlot(TensorKind Kind, int Layer, int Expert)
{
    public const int None = -1;

    /// <summary>A weight outside the layers: embedding, final norm or head.</summary>
    public static TensorSlot OfModel(TensorKind kind) => new(kind, None, None);

    public static TensorSlot OfLayer(TensorKind kind, int layer) => new(kind, layer, None);

    public static TensorSlot OfExpert(TensorKind kind, int layer, int expert) => new(kind, layer, expert);

    public override string ToString() => (Layer, Expert) switch
    {
        (None, _) => $"{Kind}",
        (_, None) => $"{Kind} of layer {Layer}",
        _ => $"{Kind} of layer {Layer}, expert {Expert}",
    };
}
