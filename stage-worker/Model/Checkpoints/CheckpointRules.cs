using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Model.Checkpoints;

/// <summary>What a checkpoint must hold to be that of a model, and nothing else.</summary>
internal static class CheckpointRules
{
    // Some old conversions stored this table, which every reader computes for itself.
    private const string RotaryTable = ".rotary_emb.inv_freq";

    /// <summary>Several experts share one stored tensor.</summary>
    public static bool IsStacked(TensorSlot slot, CheckpointLayout layout) =>
        layout == CheckpointLayout.MistralStackedExperts && slot.Expert >= 0;

    /// <summary>A tensor that no shard takes means that file and configuration are not of one model.</summary>
    public static void RefuseUnknown(TensorCatalog catalog, ModelConfig config, CheckpointLayout layout)
    {
        var known = ModelTensors.Of(config).Select(slot => ModelTensors.NameOf(config, slot, layout)).ToHashSet();
        var unknown = catalog.Names
            .Where(name => !known.Contains(name) && !name.EndsWith(RotaryTable, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .ToList();
        if (unknown.Count > 0)
        {
            throw new CheckpointException(
                $"{catalog.PathOf(unknown[0])} holds {unknown[0]}, which {Describe(config)} does not have"
                + $"{AndOthers(unknown)} (layout {layout})");
        }
    }

    /// <summary>The stored tensor of a weight, in the shape that the model expects.</summary>
    public static TensorBytes Find(TensorCatalog catalog, ModelConfig config, TensorSlot slot, CheckpointLayout layout)
    {
        var name = ModelTensors.NameOf(config, slot, layout);
        if (!catalog.Contains(name))
        {
            throw new CheckpointException(
                $"tensor {name} is missing; {Describe(config)} needs it, and no file of this checkpoint holds it: "
                + $"{catalog.Files[0]}{(catalog.Files.Count > 1 ? $" and {catalog.Files.Count - 1} more" : "")} (layout {layout})");
        }

        var tensor = catalog.Tensor(name);
        var expected = StoredShape(config, slot, layout);
        return tensor.Shape.SequenceEqual(expected.Dimensions)
            ? tensor
            : throw new CheckpointException(
                $"{catalog.PathOf(name)}: tensor {name} has shape [{string.Join(", ", tensor.Shape)}]; "
                + $"the configuration asks for {expected}");
    }

    private static string AndOthers(List<string> names)
    {
        const int shown = 5;
        var others = names.Count > 1 ? $"; nor these: {string.Join(", ", names.Take(shown).Skip(1))}" : "";
        return names.Count > shown ? $"{others} and {names.Count - shown} more" : others;
    }

    private static TensorShape StoredShape(ModelConfig config, TensorSlot slot, CheckpointLayout layout) =>
        IsStacked(slot, layout)
            ? TensorShape.Matrix((long)config.Moe!.ExpertCount * config.IntermediateSize, config.HiddenSize)
            : ModelTensors.ShapeOf(config, slot.Kind);

    private static string Describe(ModelConfig config) =>
        $"a model of {config.LayerCount} layers "
        + (config.Moe is { } moe ? $"with {moe.ExpertCount} experts" : "without experts")
        + (config.TiedEmbeddings ? " and tied embeddings" : "");
}
