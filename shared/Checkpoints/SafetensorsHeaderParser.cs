using System.Text.Json;

namespace Pipeline.Shared.Checkpoints;

/// <summary>
/// Walks the JSON of a safetensors header once. Checks every entry by itself; how entries lie beside each other is
/// <see cref="SafetensorsHeader"/>'s affair.
/// </summary>
internal ref struct SafetensorsHeaderParser(ReadOnlySpan<byte> json, long dataStart, string path)
{
    private Utf8JsonReader _reader = new(json);

    public Dictionary<string, TensorEntry> Tensors { get; } = [];

    public Dictionary<string, string> Metadata { get; } = [];

    public void Parse()
    {
        Advance();
        Expect(JsonTokenType.StartObject, "the header");
        while (NextProperty() is { } name)
        {
            if (name == "__metadata__")
            {
                ParseMetadata();
            }
            else if (!Tensors.TryAdd(name, ParseTensor(name)))
            {
                throw new CheckpointException($"{path}: tensor {name} is named twice in the header");
            }
        }

        // Padding after the object is white space; anything else makes the reader throw.
        _reader.Read();
    }

    private void ParseMetadata()
    {
        Advance();
        Expect(JsonTokenType.StartObject, "__metadata__");
        while (NextProperty() is { } key)
        {
            Advance();
            Expect(JsonTokenType.String, $"__metadata__.{key}");
            Metadata[key] = _reader.GetString()!;
        }
    }

    private TensorEntry ParseTensor(string name)
    {
        SafetensorsType? type = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        Advance();
        Expect(JsonTokenType.StartObject, $"tensor {name}");
        while (NextProperty() is { } field)
        {
            switch (field)
            {
                case "dtype" when type is null:
                    type = ParseType(name);
                    break;
                case "shape" when shape is null:
                    shape = ParseNumbers(name, field);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ParseNumbers(name, field);
                    break;
                default:
                    throw new CheckpointException($"{path}: tensor {name} has an unknown or repeated field {field}");
            }
        }

        return Check(
            name, type ?? throw Missing(name, "dtype"), shape ?? throw Missing(name, "shape"),
            offsets ?? throw Missing(name, "data_offsets"));
    }

    private SafetensorsType ParseType(string name)
    {
        Advance();
        Expect(JsonTokenType.String, $"dtype of tensor {name}");
        var text = _reader.GetString()!;
        return SafetensorsTypes.FromHeaderName(text)
            ?? throw new CheckpointException($"{path}: tensor {name} has the unknown dtype {text}");
    }

    private List<long> ParseNumbers(string name, string field)
    {
        Advance();
        Expect(JsonTokenType.StartArray, $"{field} of tensor {name}");
        var numbers = new List<long>();
        for (Advance(); _reader.TokenType != JsonTokenType.EndArray; Advance())
        {
            if (_reader.TokenType != JsonTokenType.Number || !_reader.TryGetInt64(out var number) || number < 0)
            {
                throw new CheckpointException(
                    $"{path}: {field} of tensor {name} must hold whole numbers from 0 to {long.MaxValue}");
            }

            numbers.Add(number);
        }

        return numbers;
    }

    private readonly TensorEntry Check(string name, SafetensorsType type, List<long> shape, List<long> offsets)
    {
        if (offsets.Count != 2 || offsets[1] < offsets[0] || offsets[1] > long.MaxValue - dataStart)
        {
            throw new CheckpointException(
                $"{path}: data_offsets of tensor {name} must be [begin, end] with begin <= end, they are [{string.Join(", ", offsets)}]");
        }

        var entry = new TensorEntry(name, type, shape, dataStart + offsets[0], offsets[1] - offsets[0]);
        var needed = ByteLength(type, shape);
        return needed == entry.ByteLength
            ? entry
            : throw new CheckpointException(
                $"{path}: tensor {name} has {entry.ByteLength} bytes, {type.HeaderName()} {entry.ShapeText} needs "
                + (needed is { } bytes ? $"{bytes}" : "more than any file can hold"));
    }

    /// <summary>Null when the product does not fit.</summary>
    private static long? ByteLength(SafetensorsType type, List<long> shape)
    {
        Int128 bytes = type.ByteSize();
        foreach (var dimension in shape)
        {
            bytes *= dimension;
            if (bytes > long.MaxValue)
            {
                return null;
            }
        }

        return (long)bytes;
    }

    private string? NextProperty()
    {
        Advance();
        return _reader.TokenType == JsonTokenType.EndObject ? null : _reader.GetString();
    }

    private void Advance()
    {
        if (!_reader.Read())
        {
            throw new CheckpointException($"{path} has a broken header: it ends too early");
        }
    }

    private readonly void Expect(JsonTokenType expected, string what)
    {
        if (_reader.TokenType != expected)
        {
            throw new CheckpointException($"{path} has a broken header: {what} must be {expected}, it is {_reader.TokenType}");
        }
    }

    private readonly CheckpointException Missing(string name, string field) => new($"{path}: tensor {name} has no {field}");
}
