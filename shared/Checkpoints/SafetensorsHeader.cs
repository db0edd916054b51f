using System.Buffers.Binary;
using System.Text.Json;

namespace Pipeline.Shared.Checkpoints;

/// <summary>
/// The header of a safetensors file, checked against the file's length: 8 bytes of length, JSON, then the tensors' bytes
/// without gap or overlap. Reads no tensor bytes.
/// </summary>
public sealed class SafetensorsHeader
{
    /// <summary>The format's own limit; it keeps a damaged length from asking for gigabytes.</summary>
    public const long MaxJsonLength = 100_000_000;

    private const int LengthPrefix = 8;

    private SafetensorsHeader(
        IReadOnlyDictionary<string, TensorEntry> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        Tensors = tensors;
        Metadata = metadata;
    }

    public IReadOnlyDictionary<string, TensorEntry> Tensors { get; }

    /// <summary>Free text that the writer of the file left under <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Reads and checks the header of a file.</summary>
    public static SafetensorsHeader Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return Read(stream, path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Reads and checks a header from a stream that stands at the start of the file.</summary>
    /// <param name="path">The file's name, for messages.</param>
    public static SafetensorsHeader Read(Stream stream, string path)
    {
        var fileLength = stream.Length;
        if (fileLength < LengthPrefix)
        {
            throw new CheckpointException(
                $"{path} is not a safetensors file or is truncated: {fileLength} bytes, the header's length alone takes {LengthPrefix}");
        }

        Span<byte> prefix = stackalloc byte[LengthPrefix];
        stream.ReadExactly(prefix);
        var json = new byte[JsonLength(prefix, fileLength, path)];
        stream.ReadExactly(json);
        return Parse(json, fileLength - LengthPrefix - json.Length, path);
    }

    private static int JsonLength(ReadOnlySpan<byte> prefix, long fileLength, string path)
    {
        if (prefix.SequenceEqual("version "u8))
        {
            throw new CheckpointException(
                $"{path} is a Git LFS pointer of {fileLength} bytes, not the weights: fetch the real file (git lfs pull)");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxJsonLength)
        {
            throw new CheckpointException(
                $"{path} is not a safetensors file: its header would be {length} bytes long, at most {MaxJsonLength} are allowed");
        }

        return length <= (ulong)(fileLength - LengthPrefix)
            ? (int)length
            : throw new CheckpointException(
                $"{path} is truncated: its header should be {length} bytes long, {fileLength - LengthPrefix} follow");
    }

    private static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataLength, string path)
    {
        var parser = new SafetensorsHeaderParser(json, LengthPrefix + json.Length, path);
        try
        {
            parser.Parse();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // InvalidOperationException is the reader's answer to text that is not UTF-8.
            throw new CheckpointException($"{path} has a broken header: {error.Message}", error);
        }

        RefuseGapsAndOverlaps(parser.Tensors.Values, LengthPrefix + json.Length, dataLength, path);
        return new SafetensorsHeader(parser.Tensors, parser.Metadata);
    }

    private static void RefuseGapsAndOverlaps(
        IEnumerable<TensorEntry> tensors, long dataStart, long dataLength, string path)
    {
        var expected = dataStart;
        var previous = "the header";
        foreach (var tensor in tensors.OrderBy(tensor => tensor.FileOffset).ThenBy(tensor => tensor.ByteLength))
        {
            if (tensor.FileOffset != expected)
            {
                var what = tensor.FileOffset < expected ? "overlaps" : "leaves a gap after";
                throw new CheckpointException(
                    $"{path}: tensor {tensor.Name} {what} {previous}: it starts at byte {tensor.FileOffset}, {expected} would be right");
            }

            RefuseTruncated(tensor, dataStart + dataLength, path);
            expected += tensor.ByteLength;
            previous = $"tensor {tensor.Name}";
        }

        if (expected != dataStart + dataLength)
        {
            throw new CheckpointException(
                $"{path}: {dataStart + dataLength - expected} bytes after {previous} belong to no tensor");
        }
    }

    private static void RefuseTruncated(TensorEntry tensor, long fileLength, string path)
    {
        if (tensor.ByteLength > fileLength - tensor.FileOffset)
        {
            throw new CheckpointException(
                $"{path} is truncated: tensor {tensor.Name} needs bytes {tensor.FileOffset} to "
                + $"{tensor.FileOffset + tensor.ByteLength}, the file has {fileLength}");
        }
    }
}
