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
    /// <summary>The model's tokenizer; null if its folder has none.</summary>
    public static SentencePieceTokenizer? TokenizerOf(LocatedModel model)
    {
        if (model.Folder is null)
        {
            return null;
        }

        try
        {
            return SentencePieceTokenizer.Load(model.Folder);
        }
        catch (TokenizerException) when (!Directory.EnumerateFiles(model.Folder, "*token*").Any() && !Directory.EnumerateFiles(model.Folder, "tekken*").Any())
        {
            return null;
        }
    }
}
