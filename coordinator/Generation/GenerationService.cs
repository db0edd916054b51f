using System.Runtime.CompilerServices;
using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Tokenization;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Generation;

/// <summary>A request's way through the pipeline: tokens go in, text comes out as it becomes certain.</summary>
/// <param name="tokenizer">Null when only token ids are wanted.</param>
public sealed class GenerationService(PipelineLoop loop, ModelConfig model, SentencePieceTokenizer? tokenizer)
{
    /// <summary>Submits at once, so that requests enter the pipeline in the order of the calls; the text streams when read.</summary>
    public IAsyncEnumerable<GenerationDelta> Generate(GenerationRequest request, CancellationToken cancellationToken) => GenerateAll([request], cancellationToken)[0];

    /// <summary>Submits several at once, all or none: which of them share a step does not depend on timing.</summary>
    public IReadOnlyList<IAsyncEnumerable<GenerationDelta>> GenerateAll(IReadOnlyList<GenerationRequest> requests, CancellationToken cancellationToken)
    {
        var feeds = loop.SubmitAll([.. requests.Select(SequenceOf)], added =>
        {
            foreach (var (request, feed) in requests.Zip(added))
            {
                request.OnSubmitted?.Invoke(feed.Id);
            }
        });
        foreach (var (request, feed) in requests.Zip(feeds))
        {
            if (request.OnStarted is { } onStarted)
            {
                _ = feed.Started.ContinueWith(_ => onStarted(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }

        return [.. requests.Zip(feeds, (request, feed) => ReadAsync(feed, request, cancellationToken))];
    }

    private SequenceRequest SequenceOf(GenerationRequest request) => new()
    {
        Prompt = request.Prompt,
        MaxTokens = request.MaxTokens,
        Sampling = request.Sampling,
        EosTokenIds = model.EosTokenIds,
        IgnoreEos = request.IgnoreEos,
        Priority = request.Priority,
        PromptLogprobs = request.PromptLogprobs,
    };

    private async IAsyncEnumerable<GenerationDelta> ReadAsync(SequenceFeed stream, GenerationRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        GeneratedText? text = null;
        var finished = false;
        try
        {
            text = new GeneratedText(tokenizer, request);
            await foreach (var update in stream.Updates.ReadAllAsync(cancellationToken))
            {
                var delta = text.Take(update);
                finished = delta.FinishReason is not null;
                yield return delta;
                if (finished)
                {
                    yield break;
                }
            }
        }
        finally
        {
            if (!finished || text!.Stopped)
            {
                loop.Cancel(stream.Id);
            }
        }
    }
}
