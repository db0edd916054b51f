using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Cli.Run;

/// <summary>Shows generated text in the order of the requests: the first streams while it is made, the others follow.</summary>
internal sealed class TextPresenter(Terminal terminal, SentencePieceTokenizer? tokenizer)
{
    public async Task PresentAsync(IReadOnlyList<OutputCollector> collectors, CancellationToken cancellationToken)
    {
        foreach (var collector in collectors)
        {
            await PresentAsync(collector, cancellationToken);
        }
    }

    private async Task PresentAsync(OutputCollector collector, CancellationToken cancellationToken)
    {
        if (collector.Count > 1)
        {
            await terminal.Output.WriteLineAsync($"=== prompt {collector.Index + 1} of {collector.Count} ===");
        }

        await terminal.Output.WriteAsync(collector.Prompt.Text ?? (tokenizer is null ? "" : "ids: "));
        if (collector.Prompt is { Text: { } question, IsContinued: false } && !question.EndsWith('\n'))
        {
            // The answer in a chat is a text of its own.
            await terminal.Output.WriteLineAsync();
        }

        await foreach (var text in collector.Text.ReadAllAsync(cancellationToken))
        {
            await terminal.Output.WriteAsync(text);
            await terminal.Output.FlushAsync(cancellationToken);
        }

        await terminal.Output.WriteLineAsync();
    }
}
