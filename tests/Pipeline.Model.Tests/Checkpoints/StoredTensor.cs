using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pipeline.Model.Tests.Checkpoints;

/// <summary>A tensor as stored, with the shortest possible reader and writer of its file format: shares no code with the product.</summary>
internal sealed record StoredTensor(string Type, long[] Shape, byte[] Data)
{
    public int ElementSize => Type switch { "F32" or "I32" => 4, "F8_E4M3" => 1, _ => 2 };

    public static SortedDictionary<string, StoredTensor> ReadAll(string directory)
    {
        var all = new SortedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var file in Directory.GetFiles(directory, "*.safetensors"))
        {
            ReadFile(file, all);
        }

        return all;
    }

    public static void WriteFile(string path, IEnumerable<KeyValuePair<string, StoredTensor>> tensors)
    {
        var header = new JsonObject();
        var data = new MemoryStream();
        foreach (var (name, tensor) in tensors)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = tensor.Type,
                ["shape"] = new JsonArray([.. tensor.Shape.Select(dimension => JsonValue.Create(dimension))]),
                ["data_offsets"] = new JsonArray(data.Length, data.Length + tensor.Data.Length),
            };
            data.Write(tensor.Data);
        }

        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        using var file = File.Create(path);
        file.Write(BitConverter.GetBytes((long)json.Length));
        file.Write(json);
        file.Write(data.ToArray());
    }

    /// <summary>Takes rows in another order: row i of the result is row <c>source(i)</c> of this.</summary>
    public StoredTensor Permute(Func<int, int> source)
    {
        var rowBytes = (int)Shape[1] * ElementSize;
        var data = new byte[Data.Length];
        for (var row = 0; row < Shape[0]; row++)
        {
            Data.AsSpan(source(row) * rowBytes, rowBytes).CopyTo(data.AsSpan(row * rowBytes));
        }

        return this with { Data = data };
    }

    public StoredTensor Transpose()
    {
        var (rows, columns, size) = ((int)Shape[0], (int)Shape[1], ElementSize);
        var data = new byte[Data.Length];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                Data.AsSpan(((row * columns) + column) * size, size).CopyTo(data.AsSpan(((column * rows) + row) * size));
            }
        }

        return new StoredTensor(Type, [columns, rows], data);
    }

    public static StoredTensor Stack(IReadOnlyList<StoredTensor> parts) =>
        new(parts[0].Type, [parts.Count * parts[0].Shape[0], parts[0].Shape[1]], [.. parts.SelectMany(part => part.Data)]);

    private static void ReadFile(string path, SortedDictionary<string, StoredTensor> all)
    {
        var bytes = File.ReadAllBytes(path);
        var jsonLength = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, jsonLength));
        foreach (var entry in header.RootElement.EnumerateObject().Where(entry => entry.Name != "__metadata__"))
        {
            var offsets = entry.Value.GetProperty("data_offsets");
            all.Add(entry.Name, new StoredTensor(
                entry.Value.GetProperty("dtype").GetString()!,
                [.. entry.Value.GetProperty("shape").EnumerateArray().Select(item => item.GetInt64())],
                bytes[(8 + jsonLength + offsets[0].GetInt32())..(8 + jsonLength + offsets[1].GetInt32())]));
        }
    }
}
