using System.Text;
using System.Threading.Channels;
using Pipeline.Coordinator.Generation;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Cli.Run;

/// <summary>Gathers one prompt's output while it is generated, so that it can be shown whenever its turn comes.</summary>
internal sealed class OutputCollector(Prompt prompt, int index, int count)
{
    private readonly Channel<string> _text = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
    private readonly StringBuilder _whole = new();
    private readonly List<SampledToken> _tokens = [];
    private readonly List<float> _promptLogprobs = [];
    private FinishReason? _finishReason;

    public Prompt Prompt => prompt;

    public int Index => index;

    public int Count => count;

    /// <summary>Text as it becomes certain.</summary>
    public ChannelReader<string> Text => _text.Reader;

    public PromptOutput Output => new(
        index,
        prompt.Text,
        prompt.Tokens.Count,
        _whole.ToString(),
        [.. _tokens.Select(token => token.Token)],
        _finishReason,
        _promptLogprobs.Count > 0 ? _promptLogprobs : null,
        _tokens.Exists(token => token.Logprob is not null) ? _tokens : null);

    public async Task ReadAsync(IAsyncEnumerable<GenerationDelta> deltas, GenerationClock clock, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var delta in deltas.WithCancellation(cancellationToken))
            {
                Take(delta, clock);
            }

            _text.Writer.Complete();
        }
        catch (Exception exception)
        {
            _text.Writer.Complete(exception);
            throw;
        }
    }

    private void Take(GenerationDelta delta, GenerationClock clock)
    {
        clock.Tick(delta.Tokens.Count, _tokens.Count == 0 && (delta.Tokens.Count > 0 || delta.FinishReason is not null));
        _tokens.AddRange(delta.Tokens);
        _promptLogprobs.AddRange(delta.PromptLogprobs);
        _whole.Append(delta.Text);
        _finishReason = delta.FinishReason;
        var shown = prompt.Text is null ? string.Concat(delta.Tokens.Select(token => $"{token.Token} ")) : delta.Text;
        if (shown.Length > 0)
        {
            _text.Writer.TryWrite(shown);
        }
    }
}
