namespace Pipeline.Shared.Models;

/// <summary>Which weight files a model folder holds. A folder may hold both layouts side by side.</summary>
public sealed record CheckpointFolder(
    string Path,
    IReadOnlyList<string> HuggingFaceFiles,
    IReadOnlyList<string> ConsolidatedFiles,
    IReadOnlyList<string> PickleFiles)
{
    /// <summary>Sorts the folder's files by name alone; opens none of them.</summary>
    public static CheckpointFolder Scan(string directory)
    {
        var names = Directory.EnumerateFiles(directory)
            .Select(file => System.IO.Path.GetFileName(file)).Order(StringComparer.Ordinal).ToList();
        return new CheckpointFolder(
            directory,
            [.. names.Where(name => name == "model.safetensors" || IsSafetensors(name, "model-"))],
            [.. names.Where(name => IsSafetensors(name, "consolidated"))],
            [.. names.Where(name => System.IO.Path.GetExtension(name) is ".pt" or ".pth" or ".bin")]);
    }

    private static bool IsSafetensors(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(".safetensors", StringComparison.Ordinal);
}
