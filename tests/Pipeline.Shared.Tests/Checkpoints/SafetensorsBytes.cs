using System.Buffers.Binary;
using System.Text;
using Pipeline.Shared.Checkpoints;

namespace Pipeline.Shared.Tests.Checkpoints;

/// <summary>Safetensors files made by hand in memory.</summary>
internal static class SafetensorsBytes
{
    /// <summary>A file from its JSON and the number of data bytes.</summary>
    public static byte[] Of(string json, int dataLength) => OfUtf8(Encoding.UTF8.GetBytes(json), dataLength);

    public static byte[] OfUtf8(byte[] json, int dataLength)
    {
        var file = new byte[8 + json.Length + dataLength];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        return file;
    }

    public static SafetensorsHeader Read(byte[] file) => SafetensorsHeader.Read(new MemoryStream(file), "weights.safetensors");
}
