using Pipeline.Shared.Checkpoints;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Verification;

/// <summary>
/// An oracle's outputs in a safetensors file. Case k is <c>casek.input_ids</c> I32 [n], <c>casek.logits</c> F32 [n, vocabulary]
/// and <c>casek.greedy</c> I32 [m]: a prompt, the logits of its positions, and its greedy continuation.
/// </summary>
public sealed record GoldenFile(string Path, IReadOnlyList<GoldenCase> Cases)
{
    /// <exception cref="UserErrorException">The file is missing, damaged, or not one for this model.</exception>
    public static GoldenFile Read(string path, ModelConfig config)
    {
        if (!File.Exists(path))
        {
            throw new UserErrorException($"no such golden file: {path}");
        }

        try
        {
            var header = SafetensorsHeader.Read(path);
            using var stream = File.OpenRead(path);
            return new GoldenFile(path, new GoldenReader(header, stream, path, config).ReadCases());
        }
        catch (Exception exception) when (exception is CheckpointException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"the golden file cannot be read: {exception.Message}");
        }
    }
}
