using System.Globalization;
using System.Text.Json;
using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>
/// The fields of a JSON object, read one by one. Every complaint names the field, the value it has and what would be right; a
/// field that is null counts as absent.
/// </summary>
internal sealed class RequestFields
{
    private readonly JsonElement _object;
    private readonly string _path;

    private RequestFields(JsonElement element, string path)
    {
        _object = element;
        _path = path;
    }

    /// <summary>What is read of a body that is a JSON object. The fields are good only until this returns, for they are not copied.</summary>
    public static T Read<T>(ReadOnlyMemory<byte> body, Func<RequestFields, T> read)
    {
        using var document = Parse(body);
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? read(new RequestFields(document.RootElement, ""))
            : throw ApiException.Invalid(null, $"the body is {JsonWords.Show(document.RootElement)}; a JSON object is wanted");
    }

    /// <summary>An object inside a list, whose fields are named from the root.</summary>
    public static RequestFields Of(JsonElement element, string path) => element.ValueKind == JsonValueKind.Object
        ? new RequestFields(element, path + ".")
        : throw Wrong(path, element, "an object");

    public static ApiException Wrong(string path, JsonElement value, string wanted) =>
        ApiException.Invalid(path, $"{path} is {JsonWords.Show(value)}; {wanted} is wanted");

    public string PathOf(string name) => _path + name;

    public JsonElement? Element(string name) =>
        _object.TryGetProperty(name, out var value) && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined) ? value : null;

    public JsonElement Required(string name, string wanted) =>
        Element(name) ?? throw ApiException.Invalid(PathOf(name), $"{PathOf(name)} is missing; {wanted} is wanted");

    public string? Text(string name) => Read(name, "a string", value => value.ValueKind == JsonValueKind.String ? value.GetString() : null);

    public bool? Flag(string name) => Read<bool>(name, "true or false", value => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    });

    public int? Integer(string name, int minimum, int maximum) =>
        (int?)Long(name, minimum, maximum);

    public long? Long(string name, long minimum, long maximum) =>
        Read<long>(name, string.Create(CultureInfo.InvariantCulture, $"a whole number from {minimum} to {maximum}"), value => WholeNumber(value) is { } whole && whole >= minimum && whole <= maximum ? whole : null);

    public float? Number(string name, float minimum, float maximum) =>
        Read<float>(name, string.Create(CultureInfo.InvariantCulture, $"a number from {minimum} to {maximum}"), value => NumberIn(value, minimum, maximum));

    /// <summary>An object, whose fields are named from the root.</summary>
    public RequestFields? Object(string name) => Element(name) is { } value ? Of(value, PathOf(name)) : null;

    public IReadOnlyList<JsonElement>? List(string name, string wanted) =>
        Read(name, wanted, value => value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToList() : null);

    /// <summary>One string, or a list of them.</summary>
    public IReadOnlyList<string> Texts(string name, int most, int longest)
    {
        var wanted = string.Create(CultureInfo.InvariantCulture, $"a string of 1 to {longest} characters or a list of at most {most} such strings");
        return Read<IReadOnlyList<string>>(name, wanted, value =>
        {
            List<JsonElement> items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
            return items.Count <= most && items.TrueForAll(item => item.ValueKind == JsonValueKind.String && item.GetString()!.Length >= 1 && item.GetString()!.Length <= longest)
                ? items.ConvertAll(item => item.GetString()!)
                : null;
        }) ?? [];
    }

    /// <summary>Names and values of an object that serves as a table.</summary>
    public IEnumerable<(string Name, JsonElement Value)> Entries(string name, string wanted) =>
        (Read(name, wanted, value => value.ValueKind == JsonValueKind.Object ? value.EnumerateObject().ToList() : null) ?? []).Select(entry => (entry.Name, entry.Value));

    /// <summary>1.0 is whole too: some clients know one kind of number only.</summary>
    public static long? WholeNumber(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            return null;
        }

        return value.TryGetInt64(out var whole) ? whole
            : value.TryGetDouble(out var number) && Math.Abs(number) < 1e15 && number == Math.Truncate(number) ? (long)number
            : null;
    }

    public static float? NumberIn(JsonElement value, float minimum, float maximum) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out var number) && number >= minimum && number <= maximum ? number : null;

    private static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        var json = JsonText.WithoutMark(body);
        if (json.IsEmpty)
        {
            throw ApiException.Invalid(null, "the body is empty; a JSON object is wanted");
        }

        JsonText.RequireUtf8(json.Span);
        try
        {
            var document = JsonDocument.Parse(json);
            JsonText.RequireWholeCharacters(json.Span);
            return document;
        }
        catch (JsonException exception)
        {
            throw ApiException.Invalid(null, $"the body cannot be read as JSON from {JsonWords.PlaceOf(exception)} on; a JSON object is wanted");
        }
    }

    private T? Read<T>(string name, string wanted, Func<JsonElement, T?> read)
        where T : class => Element(name) is { } value ? read(value) ?? throw Wrong(PathOf(name), value, wanted) : null;

    private T? Read<T>(string name, string wanted, Func<JsonElement, T?> read)
        where T : struct => Element(name) is { } value ? read(value) ?? throw Wrong(PathOf(name), value, wanted) : null;
}
