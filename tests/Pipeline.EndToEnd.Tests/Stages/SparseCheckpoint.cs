using System.Buffers.Binary;
using System.Text.Json;
using Pipeline.Shared.Models;

namespace Pipeline.EndToEnd.Tests.Stages;

/// <summary>A checkpoint of zeros that takes no room on disk: for tests of loading whose values do not matter.</summary>
internal sealed class SparseCheckpoint : IDisposable
{
    public SparseCheckpoint(ModelConfig config)
    {
        var offset = 0L;
        var header = new Dictionary<string, object>();
        foreach (var slot in ModelTensors.Of(config))
        {
            var shape = ModelTensors.ShapeOf(config, slot.Kind);
            var end = offset + (shape.ElementCount * sizeof(float));
            long[] dimensions = shape.IsVector ? [shape.ElementCount] : [shape.Rows, shape.Columns];
            header[ModelTensors.NameOf(config, slot, CheckpointLayout.HuggingFace)] = new { dtype = "F32", shape = dimensions, data_offsets = new[] { offset, end } };
            offset = end;
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(header);
        var length = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        using var file = File.Create(System.IO.Path.Combine(Path, "model.safetensors"));
        file.Write(length);
        file.Write(json);
        file.SetLength(length.Length + json.Length + offset);
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("pipeline-sparse-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
