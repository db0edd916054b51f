using Pipeline.Coordinator.Stages;
using Pipeline.Coordinator.Tokenization;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Cli.Run;

/// <summary>Everything <c>run</c> was asked to do, checked.</summary>
internal sealed record RunPlan(
    LocatedModel Model,
    SentencePieceTokenizer? Tokenizer,
    PipelineSettings Settings,
    IReadOnlyList<Prompt> Prompts,
    int MaxTokens,
    SamplingParams Sampling,
    IReadOnlyList<string> StopStrings,
    bool IgnoreEos,
    string? TimelineFile)
{
    /// <summary>Of every kind, supported or not. Settings beside a tokenizer, such as tokenizer_config.json, are none.</summary>
    private static readonly string[] TokenizerNames = ["tokenizer.*", "*.model.v*", "tekken*"];

    /// <summary>The model's tokenizer; null if its folder has none. What it makes of a text, the model must know.</summary>
    /// <param name="isNeeded">One that is of an unsupported kind is an error, not as good as none.</param>
    public static SentencePieceTokenizer? TokenizerOf(LocatedModel model, bool isNeeded)
    {
        if (model.Folder is null)
        {
            return null;
        }

        TokenizerFile file;
        try
        {
            file = TokenizerFile.Locate(model.Folder);
        }
        catch (TokenizerException) when (!isNeeded || !HasTokenizer(model.Folder))
        {
            return null;
        }

        var tokenizer = file.Load();
        return tokenizer.VocabularySize <= model.Config.VocabularySize
            ? tokenizer
            : throw new UserErrorException(
                $"{file.Path} has {tokenizer.VocabularySize} pieces, but {model.Config.Name} knows only {model.Config.VocabularySize} tokens: they are not of the same model");
    }

    private static bool HasTokenizer(string folder) => TokenizerNames.Any(pattern => Directory.EnumerateFiles(folder, pattern).Any());
}
