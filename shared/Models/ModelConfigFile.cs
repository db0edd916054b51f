namespace Pipeline.Shared.Models;

/// <summary>
/// A model's configuration as read from its folder, with the file it came from and remarks worth printing: which of two files
/// was chosen, which value stands in for an absent one.
/// </summary>
public sealed record ModelConfigFile(string Path, ModelConfig Config, IReadOnlyList<string> Notes)
{
    private const string HuggingFaceName = "config.json";
    private const string MistralName = "params.json";

    /// <summary>Reads <c>config.json</c> (Hugging Face) or <c>params.json</c> (Mistral).</summary>
    public static ModelConfigFile Read(string directory)
    {
        try
        {
            RefuseUnusable(directory);
            var notes = new List<string>();
            return Parse(System.IO.Path.Combine(directory, Choose(directory, notes)), new DirectoryInfo(directory).Name, notes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ModelConfigException($"model folder {directory} cannot be read: {error.Message}");
        }
    }

    private static ModelConfigFile Parse(string path, string name, List<string> notes)
    {
        var fields = ConfigFields.Load(path);
        try
        {
            var config = System.IO.Path.GetFileName(path) == HuggingFaceName
                ? HuggingFaceConfig.Read(fields, name, notes)
                : MistralParams.Read(fields, name, notes);
            return new ModelConfigFile(path, config, notes);
        }
        catch (InvalidOperationException error)
        {
            // The reader's answer to text that is not Unicode, met only when the text is looked at.
            throw new ModelConfigException($"{path} is damaged: {error.Message}");
        }
    }

    private static void RefuseUnusable(string directory)
    {
        if (!Directory.Exists(directory))
        {
            throw new ModelConfigException(File.Exists(directory)
                ? $"{directory} is a file; the folder that holds the model is needed"
                : $"model folder {directory} does not exist; known names without a folder: {string.Join(", ", KnownModels.Names)}");
        }

        if (!Directory.EnumerateFileSystemEntries(directory).Any())
        {
            throw new ModelConfigException($"model folder {directory} is empty; it must hold {HuggingFaceName} or {MistralName}");
        }
    }

    private static string Choose(string directory, List<string> notes)
    {
        var hasHuggingFace = File.Exists(System.IO.Path.Combine(directory, HuggingFaceName));
        var hasMistral = File.Exists(System.IO.Path.Combine(directory, MistralName));
        if (hasHuggingFace && hasMistral)
        {
            return ChooseByWeights(CheckpointFolder.Scan(directory), notes);
        }

        return hasHuggingFace ? HuggingFaceName : hasMistral ? MistralName : throw NeitherFile(directory);
    }

    /// <summary>The file that belongs to the weights which will be loaded.</summary>
    private static string ChooseByWeights(CheckpointFolder folder, List<string> notes)
    {
        if (folder.HuggingFaceFiles.Count == 0 && folder.ConsolidatedFiles.Count > 0)
        {
            notes.Add(
                $"both {HuggingFaceName} and {MistralName} are there: {MistralName} is used, "
                + $"because the weights are {folder.ConsolidatedFiles[0]}");
            return MistralName;
        }

        var reason = folder.HuggingFaceFiles.Count > 0
            ? $"the weights are {folder.HuggingFaceFiles[0]}{(folder.HuggingFaceFiles.Count > 1 ? " and others" : "")}"
            : "there are no weights to tell otherwise";
        notes.Add($"both {HuggingFaceName} and {MistralName} are there: {HuggingFaceName} is used, because {reason}");
        return HuggingFaceName;
    }

    private static ModelConfigException NeitherFile(string directory)
    {
        var found = Directory.EnumerateFileSystemEntries(directory)
            .Select(entry => System.IO.Path.GetFileName(entry)).Order(StringComparer.Ordinal).Take(8);
        return new ModelConfigException(
            $"model folder {directory} holds neither {HuggingFaceName} (Hugging Face) nor {MistralName} (Mistral); "
            + $"it holds {string.Join(", ", found)}");
    }
}
