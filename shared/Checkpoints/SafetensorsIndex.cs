using System.Text.Json;
using Pipeline.Shared.Models;

namespace Pipeline.Shared.Checkpoints;

/// <summary>
/// Which files make up a checkpoint and, where an index file says so, which tensor lies in which of them.
/// </summary>
public sealed class SafetensorsIndex
{
    private SafetensorsIndex(string source, IReadOnlyList<string> files, IReadOnlyDictionary<string, string>? weightMap)
    {
        Source = source;
        Files = files;
        WeightMap = weightMap;
    }

    /// <summary>The file that names the others, or the only file.</summary>
    public string Source { get; }

    /// <summary>Full paths of the weight files.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Tensor name to full path of its file; null where no index file exists.</summary>
    public IReadOnlyDictionary<string, string>? WeightMap { get; }

    /// <summary>
    /// Finds the checkpoint of a folder. Without a wish for a layout, Hugging Face's files win over consolidated ones.
    /// </summary>
    public static SafetensorsIndex Locate(string directory, CheckpointLayout? layout)
    {
        if (!Directory.Exists(directory))
        {
            throw new CheckpointException($"checkpoint folder {directory} does not exist");
        }

        var folder = CheckpointFolder.Scan(directory);
        var wantsHuggingFace = layout is { } wish
            ? wish == CheckpointLayout.HuggingFace
            : folder.HuggingFaceFiles.Count > 0 || folder.ConsolidatedFiles.Count == 0;
        var files = wantsHuggingFace ? folder.HuggingFaceFiles : folder.ConsolidatedFiles;
        var stem = wantsHuggingFace ? "model" : "consolidated";
        var index = Path.Combine(directory, $"{stem}.safetensors.index.json");
        if (File.Exists(index))
        {
            return Read(index);
        }

        return files.Count == 0 ? throw NoWeights(folder, stem) : WithoutIndex(directory, files, index);
    }

    /// <summary>Reads an index file and makes sure that every file it names is there.</summary>
    public static SafetensorsIndex Read(string path)
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var weightMap = ParseWeightMap(path).ToDictionary(entry => entry.Key, entry => Path.Combine(directory, entry.Value));
        var files = weightMap.Values.Distinct().Order(StringComparer.Ordinal).ToList();
        var missing = files.Where(file => !File.Exists(file)).Select(file => Path.GetFileName(file)).ToList();
        return missing.Count == 0
            ? new SafetensorsIndex(path, files, weightMap)
            : throw new CheckpointException(
                $"{path} names {files.Count} files, {missing.Count} of them are not there: {string.Join(", ", missing.Take(5))}"
                + (missing.Count > 5 ? ", ..." : ""));
    }

    private static SafetensorsIndex WithoutIndex(string directory, IReadOnlyList<string> files, string index)
    {
        if (files.FirstOrDefault(file => file.Contains("-of-", StringComparison.Ordinal)) is { } part)
        {
            throw new CheckpointException($"{index} is missing, although {part} is there: without it nobody knows whether all parts are");
        }

        return new SafetensorsIndex(
            Path.Combine(directory, files[0]), [.. files.Select(file => Path.Combine(directory, file))], null);
    }

    private static Dictionary<string, string> ParseWeightMap(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(
                File.ReadAllText(path), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("weight_map", out var map)
                && map.ValueKind == JsonValueKind.Object)
            {
                return map.EnumerateObject().ToDictionary(entry => entry.Name, entry => FileName(path, entry));
            }
        }
        catch (JsonException error)
        {
            throw new CheckpointException($"{path} is not valid JSON: {JsonErrorText.Of(error)}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            // InvalidOperationException is the reader's answer to text that is not Unicode.
            throw new CheckpointException($"{path} cannot be read: {error.Message}", error);
        }

        throw new CheckpointException($"{path} has no object weight_map");
    }

    /// <summary>Only plain names: an index must not lead out of its folder.</summary>
    private static string FileName(string path, JsonProperty entry)
    {
        var name = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";
        return name.EndsWith(".safetensors", StringComparison.Ordinal) && name.IndexOfAny(['/', '\\', '\0']) < 0
            ? name
            : throw new CheckpointException(
                $"{path}: tensor {entry.Name} must be mapped to the plain name of a .safetensors file, not to {entry.Value.GetRawText()}");
    }

    private static CheckpointException NoWeights(CheckpointFolder folder, string stem)
    {
        var right = stem == "model"
            ? "model.safetensors.index.json with its files, model.safetensors or consolidated.safetensors"
            : "consolidated.safetensors";
        var others = folder.HuggingFaceFiles.Concat(folder.ConsolidatedFiles).ToList();
        return new CheckpointException(folder.PickleFiles.Count > 0
            ? $"{folder.Path} holds its weights as pickled {folder.PickleFiles[0]}, which is not read; convert it or download {right}"
            : others.Count > 0
                ? $"{folder.Path} holds no weights in the layout asked for ({right}); it holds {others[0]}"
                : $"{folder.Path} holds no weights; {right} is needed");
    }
}
