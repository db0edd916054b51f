using System.Text.Json;

namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>One object of a data set, read field by field. Every complaint names where it stands, the field, and what is wanted.</summary>
internal sealed class DatasetEntry
{
    private readonly JsonElement _object;
    private readonly string _place;

    private DatasetEntry(JsonElement value, string place)
    {
        _object = value;
        _place = place;
    }

    /// <param name="place">The file and what of it, for instance <c>prompts.jsonl, line 2</c>.</param>
    public static DatasetEntry Of(JsonElement value, string place) => value.ValueKind == JsonValueKind.Object
        ? new DatasetEntry(value, place)
        : throw new UserErrorException($"{place} is {JsonWords.Show(value)}; an object is wanted");

    /// <summary>The objects of a list, counted from 1 as lines are.</summary>
    public static IEnumerable<DatasetEntry> In(JsonElement list, string place, string word) => list.ValueKind == JsonValueKind.Array
        ? list.EnumerateArray().Select((item, index) => Of(item, $"{place}, {word} {index + 1}"))
        : throw new UserErrorException($"{place} is {JsonWords.Show(list)}; a list is wanted");

    public string Text(string name) => TextOf(Required(name, "a text")) ?? throw Wrong(name, "a text");

    /// <summary>Null if it is not there.</summary>
    public int? Count(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count > 0 ? count
        : throw Wrong(name, "a whole number above 0");

    /// <param name="word">What each of them is.</param>
    public IEnumerable<DatasetEntry> List(string name, string word) => Required(name, $"a list of {word}s") is { ValueKind: JsonValueKind.Array } list
        ? In(list, _place, word)
        : throw Wrong(name, $"a list of {word}s");

    private JsonElement? Find(string name) => _object.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private JsonElement Required(string name, string wanted) => Find(name) ?? throw new UserErrorException($"{_place}: {name} is missing; {wanted} is wanted");

    private UserErrorException Wrong(string name, string wanted) => new($"{_place}: {name} is {JsonWords.Show(_object.GetProperty(name))}; {wanted} is wanted");

    private static string? TextOf(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // Half a character, as \ud800: no text.
            return null;
        }
    }
}
