using System.Text.Json;

namespace Pipeline.Shared.Models;

/// <summary>Reads the ways in which files spell sliding windows: null, one number, a repeating list, or a type for every layer.</summary>
internal static class WindowPatterns
{
    private const string Alias = "_sliding_window";
    private const string LayerTypes = "layer_types";

    /// <summary>The pattern under <c>sliding_window</c> or its alias; null if neither is there.</summary>
    public static IReadOnlyList<int?>? Read(ConfigFields fields, int layerCount)
    {
        if (fields.Has(ConfigFieldNames.SlidingWindow) && fields.Has(Alias))
        {
            throw fields.Error(ConfigFieldNames.SlidingWindow, $"and {Alias} are both given; one of them must go");
        }

        var name = fields.Has(Alias) ? Alias : ConfigFieldNames.SlidingWindow;
        if (fields.List(name) is not { } items)
        {
            return fields.OptionalPositive(name, int.MaxValue) is { } window ? [window] : null;
        }

        if (items.Count == 0 || layerCount % items.Count != 0)
        {
            throw fields.Error(name, $"has {items.Count} entries; it repeats over {layerCount} layers, so its length must divide them");
        }

        return Shortest([.. items.Select(item =>
            item.ValueKind == JsonValueKind.Null ? (int?)null : fields.ToPositive(name, item, int.MaxValue))]);
    }

    /// <summary>Applies Hugging Face's <c>layer_types</c>, if given, to the one window that such a file states.</summary>
    public static IReadOnlyList<int?> ByLayerType(ConfigFields fields, int layerCount, IReadOnlyList<int?> windows)
    {
        if (fields.List(LayerTypes) is not { } types)
        {
            return fields.Has(LayerTypes) ? throw fields.Error(LayerTypes, "must be a list") : windows;
        }

        if (types.Count != layerCount)
        {
            throw fields.Error(LayerTypes, $"has {types.Count} entries; the model has {layerCount} layers");
        }

        return windows.Count == 1
            ? Shortest([.. types.Select(type => WindowOf(fields, type, windows[0]))])
            : throw fields.Error(LayerTypes, $"and a list in {ConfigFieldNames.SlidingWindow} are both given; one of them must go");
    }

    private static int? WindowOf(ConfigFields fields, JsonElement type, int? window) =>
        type.ValueKind == JsonValueKind.String ? type.GetString() switch
        {
            "full_attention" => null,
            "sliding_attention" => window
                ?? throw fields.Error(LayerTypes, $"has sliding_attention, but {ConfigFieldNames.SlidingWindow} is not given"),
            _ => throw fields.Wrong(LayerTypes, "may hold full_attention and sliding_attention", type),
        }
        : throw fields.Wrong(LayerTypes, "may hold full_attention and sliding_attention", type);

    /// <summary>The shortest pattern that repeats to the given one, so that equal models have equal patterns.</summary>
    private static int?[] Shortest(int?[] pattern)
    {
        var length = Enumerable.Range(1, pattern.Length).First(period =>
            pattern.Length % period == 0
            && Enumerable.Range(period, pattern.Length - period).All(index => pattern[index] == pattern[index - period]));
        return pattern[..length];
    }
}
