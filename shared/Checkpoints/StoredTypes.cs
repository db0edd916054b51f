using Pipeline.Shared.Models;

namespace Pipeline.Shared.Checkpoints;

/// <summary>What a checkpoint's weights are stored as, so that what cannot be loaded is known before anything starts.</summary>
public static class StoredTypes
{
    /// <summary>
    /// The types of the model's weights in a folder, in the order of <see cref="ElementType"/>. None if the headers cannot be read
    /// here: whoever loads the checkpoint says what is wrong with it, and where.
    /// </summary>
    public static IReadOnlyList<ElementType> In(string directory, ModelConfig config)
    {
        try
        {
            var names = Enum.GetValues<CheckpointLayout>().SelectMany(layout => ModelTensors.Of(config).Select(slot => ModelTensors.NameOf(config, slot, layout))).ToHashSet();
            return
            [
                .. SafetensorsIndex.Locate(directory, layout: null).Files
                    .SelectMany(file => SafetensorsHeader.Read(file).Tensors.Values)
                    .Where(tensor => names.Contains(tensor.Name))
                    .Select(tensor => tensor.Type.ToElementType())
                    .OfType<ElementType>().Distinct().Order(),
            ];
        }
        catch (Exception error) when (error is CheckpointException or IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
