using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Tokenization;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Generation;

/// <summary>Turns a sequence's updates into deltas: tokens to text, text up to a stop string.</summary>
public sealed class GeneratedText(SentencePieceTokenizer? tokenizer, GenerationRequest request)
{
    private readonly StreamingDetokenizer? _detokenizer = tokenizer is null ? null
        : request.ContinuesText ? StreamingDetokenizer.After(tokenizer, request.Prompt) : new StreamingDetokenizer(tokenizer);

    private readonly StopStringFilter _stop = new(request.StopStrings, request.IncludeStopString);
    private int _tokens;

    /// <summary>A stop string ended the text before the sequence itself ended.</summary>
    public bool Stopped => _stop.Stopped;

    public GenerationDelta Take(SequenceUpdate update)
    {
        var belongs = update.Token is not null && !update.IsStopToken;
        if (belongs)
        {
            _stop.IsArmed = ++_tokens > request.Sampling.MinTokens;
        }

        var text = belongs && _detokenizer is not null ? _stop.Push(_detokenizer.Push(update.Token!.Token)) : "";
        if (update.FinishReason is not null && !_stop.Stopped)
        {
            text += _stop.Push(_detokenizer?.Flush() ?? "");
            text += _stop.Flush();
        }

        return new GenerationDelta
        {
            Text = text,
            Tokens = belongs ? [update.Token!] : [],
            PromptLogprobs = update.PromptLogprobs.ToArray(),
            CachedPromptTokens = update.CachedPromptTokens,
            FinishReason = _stop.Stopped ? FinishReason.Stop : update.FinishReason,
        };
    }
}
