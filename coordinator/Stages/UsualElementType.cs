using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Stages;

/// <summary>What weights and cache are held as when nobody says.</summary>
internal static class UsualElementType
{
    /// <summary>The CPU's own kernels compute in float32; GPUs take the checkpoint as it is.</summary>
    public static ElementType On(IEnumerable<string> devices, ModelConfig config) =>
        devices.All(device => device == "cpu") ? ElementType.Float32 : config.WeightType;
}
