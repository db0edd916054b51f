using Pipeline.Coordinator.EventStreams;

namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>What is seen of one request while its answer streams in.</summary>
internal sealed class StreamObservation(LoadPrompt prompt, LoadClock clock)
{
    private const int UsualTexts = 1024;

    private readonly EventStreamParser _parser = new();
    private readonly List<double> _contentTimes = new(Math.Min(prompt.OutputTokens, UsualTexts));
    private readonly double _started = clock.Now;
    private TokenUsage? _usage;
    private string? _error;

    /// <summary>The stream's last event was there.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Bytes as they were read: everything in them came at this moment.</summary>
    public void Take(ReadOnlySpan<byte> bytes)
    {
        _parser.Append(bytes);
        ReadEvents(clock.Now);
    }

    public void Complete()
    {
        _parser.Complete();
        ReadEvents(clock.Now);
    }

    public RequestOutcome Outcome() => Outcome(
        _error is not null ? new RequestFailure(FailureKind.ServerError, null, _error)
        : IsDone ? null
        : new RequestFailure(FailureKind.MissingDone, null, "the stream ended without [DONE]"));

    public RequestOutcome Outcome(RequestFailure? failure) => new(
        _started,
        [.. _contentTimes],
        clock.Now,
        _usage is { PromptTokens: > 0 } counted ? counted.PromptTokens : prompt.EstimatedTokens,
        _usage?.CompletionTokens ?? _contentTimes.Count,
        _usage is not null,
        failure);

    private void ReadEvents(double now)
    {
        while (!IsDone && _parser.TryRead(out var data))
        {
            if (data.SequenceEqual("[DONE]"u8))
            {
                IsDone = true;
                return;
            }

            var chunk = CompletionChunk.Read(data);
            _usage = chunk.Usage ?? _usage;
            _error ??= chunk.Error;
            if (chunk.HasContent)
            {
                _contentTimes.Add(now);
            }
        }
    }
}
