using System.Globalization;
using System.Text.Json;

namespace Pipeline.Shared.Models;

/// <summary>
/// Typed access to the fields of a model's JSON file. A field that is null counts as absent. Every error names file and field.
/// </summary>
internal sealed class ConfigFields(string file, string scope, JsonElement element)
{
    public static ConfigFields Load(string file)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file), new JsonDocumentOptions { AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new ConfigFields(file, "", document.RootElement.Clone())
                : throw new ModelConfigException($"{file} must hold a JSON object, it holds {Describe(document.RootElement)}");
        }
        catch (JsonException error)
        {
            throw new ModelConfigException($"{file} is not valid JSON: {JsonErrorText.Of(error)}");
        }
    }

    public bool Has(string name) => Find(name) is not null;

    /// <summary>The field is there, if only as null.</summary>
    public bool States(string name) => element.TryGetProperty(name, out _);

    public int Positive(string name, int most) => OptionalPositive(name, most) ?? throw Missing(name);

    public int? OptionalPositive(string name, int most) => Find(name) is { } value ? ToPositive(name, value, most) : null;

    public double PositiveNumber(string name) => OptionalPositiveNumber(name) ?? throw Missing(name);

    public double? OptionalPositiveNumber(string name)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number > 0 && double.IsFinite(number)
            ? number
            : throw Wrong(name, "must be a positive number", value);
    }

    /// <summary>False if absent.</summary>
    public bool Flag(string name) => Find(name) is { } value
        && (value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw Wrong(name, "must be true or false", value));

    public string? Text(string name) => Find(name) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(name, "must be text", value);

    /// <summary>A nested object; null if absent.</summary>
    public ConfigFields? Section(string name) => Find(name) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.Object
            ? new ConfigFields(file, $"{scope}{name}.", value)
            : throw Wrong(name, "must be an object", value);

    /// <summary>The items of a list; null if the field is absent or not a list.</summary>
    public IReadOnlyList<JsonElement>? List(string name) =>
        Find(name) is { ValueKind: JsonValueKind.Array } value ? [.. value.EnumerateArray()] : null;

    public int ToPositive(string name, JsonElement value, int most) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number > 0 && number <= most
            ? number
            : throw Wrong(name, $"must be a whole number from 1 to {most.ToString(CultureInfo.InvariantCulture)}", value);

    /// <summary>The field's token ids: one number or a list; null if absent.</summary>
    public IReadOnlyList<int>? TokenIds(string name)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        return [.. (List(name) ?? [value]).Select(item =>
            item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) && id >= 0
                ? id
                : throw Wrong(name, "must be a token id or a list of them", item))];
    }

    public ModelConfigException Missing(string name) => Error(name, "is missing");

    public ModelConfigException Wrong(string name, string rule, JsonElement value) => Error(name, $"{rule}, it is {Describe(value)}");

    public ModelConfigException Error(string name, string problem) => new($"{file}: {scope}{name} {problem}");

    private static string Describe(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 60 ? text : $"{text[..60]}...";
    }

    private JsonElement? Find(string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
