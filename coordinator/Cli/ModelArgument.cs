using System.CommandLine;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Cli;

/// <summary>How a command is told which model: a folder, or the name of a built-in shape.</summary>
internal static class ModelArgument
{
    private const string DefaultModel = "models/tiny-mixtral";

    public static Option<string> Option() => new("--model", "-m")
    {
        Description = $"Folder of the model, or a built-in shape: {string.Join(", ", KnownModels.Names)}",
        HelpName = "DIR|NAME",
        DefaultValueFactory = _ => DefaultModel,
    };

    /// <summary>The model and, unless it is a built-in shape, its folder.</summary>
    public static LocatedModel Locate(string folderOrName)
    {
        if (!Directory.Exists(folderOrName) && KnownModels.TryGet(folderOrName, out var known))
        {
            return new LocatedModel(known, null, []);
        }

        var folder = Directory.Exists(folderOrName) || folderOrName != DefaultModel ? folderOrName : ShippedModel() ?? folderOrName;
        if (!Directory.Exists(folder))
        {
            throw new UserErrorException($"no such model: {folderOrName} is neither a folder nor one of the built-in shapes {string.Join(", ", KnownModels.Names)}");
        }

        var file = ModelConfigFile.Read(folder);
        return new LocatedModel(file.Config, Path.GetFullPath(folder), file.Notes);
    }

    /// <summary>The default model is found from any working folder, as long as the program still lies inside its repository.</summary>
    private static string? ShippedModel()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, DefaultModel);
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }
}
