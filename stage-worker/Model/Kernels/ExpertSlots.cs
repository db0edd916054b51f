using Pipeline.Shared.Models;

namespace Pipeline.Model.Kernels;

/// <summary>The weights of a sparse layer by name, for loaders.</summary>
public static class ExpertSlots
{
    public static TensorSlot Router(int layer) => TensorSlot.OfLayer(TensorKind.Router, layer);

    /// <summary>Gate and up of one expert, to be loaded as one projection.</summary>
    public static TensorSlot[] GateUp(int layer, int expert) =>
        [TensorSlot.OfExpert(TensorKind.GateProjection, layer, expert), TensorSlot.OfExpert(TensorKind.UpProjection, layer, expert)];

    public static TensorSlot Down(int layer, int expert) => TensorSlot.OfExpert(TensorKind.DownProjection, layer, expert);
}
