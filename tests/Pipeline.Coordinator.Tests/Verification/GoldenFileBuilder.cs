using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Pipeline.Coordinator.Tests.Verification;

/// <summary>Writes safetensors files tensor by tensor, right or wrong.</summary>
internal sealed class GoldenFileBuilder
{
    private readonly SortedDictionary<string, (string Type, long[] Shape, byte[] Data)> _tensors = new(StringComparer.Ordinal);

    /// <summary>A case of a vocabulary of 4: three prompt tokens, two generated ones.</summary>
    public static GoldenFileBuilder WithCases(int count)
    {
        var builder = new GoldenFileBuilder();
        for (var index = 0; index < count; index++)
        {
            builder.Ids($"case{index}.input_ids", 1, 3, 2).Ids($"case{index}.greedy", 0, 3).Logits($"case{index}.logits", [3, 4], [.. Enumerable.Range(12 * index, 12).Select(value => value / 8f)]);
        }

        return builder;
    }

    public GoldenFileBuilder Ids(string name, params int[] ids) => Tensor(name, "I32", [ids.Length], MemoryMarshal.AsBytes(ids.AsSpan()));

    public GoldenFileBuilder Logits(string name, long[] shape, float[] values) => Tensor(name, "F32", shape, MemoryMarshal.AsBytes(values.AsSpan()));

    public GoldenFileBuilder Tensor(string name, string type, long[] shape, ReadOnlySpan<byte> data)
    {
        _tensors[name] = (type, shape, data.ToArray());
        return this;
    }

    public GoldenFileBuilder Without(string name)
    {
        Assert.True(_tensors.Remove(name));
        return this;
    }

    public byte[] Build()
    {
        var header = new Dictionary<string, object>();
        var data = new MemoryStream();
        foreach (var (name, tensor) in _tensors)
        {
            header[name] = new { dtype = tensor.Type, shape = tensor.Shape, data_offsets = new[] { data.Length, data.Length + tensor.Data.Length } };
            data.Write(tensor.Data);
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return [.. length, .. json, .. data.ToArray()];
    }
}
