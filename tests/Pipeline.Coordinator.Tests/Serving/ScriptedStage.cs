using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>
/// A whole pipeline that says the same tokens to every prompt, over and over. It can be held before any step, and fail there; of
/// every step it tells what it was asked.
/// </summary>
internal sealed class ScriptedStage(IReadOnlyList<int> script) : IStage
{
    private readonly Dictionary<SequenceId, SequenceStart> _starts = [];
    private readonly Channel<bool> _steps = Channel.CreateUnbounded<bool>();
    private volatile bool _held;
    private volatile StageException? _failure;
    private int _live;

    /// <summary>How every sequence was asked to be sampled, in the order of their starts.</summary>
    public List<SequenceStart> Starts { get; } = [];

    /// <summary>Sequences that the stage was told of and was not told to forget.</summary>
    public int Live => Volatile.Read(ref _live);

    /// <summary>No step is computed any more until it is let.</summary>
    public void Hold() => _held = true;

    public void LetSteps(int count)
    {
        for (var step = 0; step < count; step++)
        {
            _steps.Writer.TryWrite(true);
        }
    }

    public void Free()
    {
        _held = false;
        LetSteps(1);
    }

    public void FailAtNextStep(StageException failure)
    {
        _failure = failure;
        LetSteps(1);
    }

    public async IAsyncEnumerable<StageOutput> ForwardAsync(IAsyncEnumerable<StageInput> inputs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var input in inputs.WithCancellation(cancellationToken))
        {
            if (_held)
            {
                await _steps.Reader.ReadAsync(cancellationToken);
            }

            if (_failure is { } failure)
            {
                throw failure;
            }

            var microbatch = input.Microbatch;
            var results = microbatch.Slices.Select(Answer).ToArray();
            foreach (var released in microbatch.Released)
            {
                _starts.Remove(released);
            }

            Volatile.Write(ref _live, _starts.Count);
            yield return new StageOutput(microbatch, null, new MicrobatchResult(microbatch.Epoch, microbatch.Step, microbatch.Id, results), default);
        }
    }

    private SliceResult Answer(SequenceSlice slice)
    {
        if (slice.Start is { } start)
        {
            _starts[slice.Sequence] = start;
            Starts.Add(start);
        }

        var begun = _starts[slice.Sequence];
        var generated = slice.FirstPosition + slice.Tokens.Length - begun.PromptLength;
        return new SliceResult { Sequence = slice.Sequence, Sampled = slice.Logits.HasFlag(LogitsRequest.Sample) ? Draw(generated, begun.Sampling) : null };
    }

    private SampledToken Draw(int generated, SamplingParams sampling)
    {
        var token = script[generated % script.Count];
        return sampling.Logprobs is { } alternatives
            ? new SampledToken(token, -0.5f, [.. Enumerable.Range(0, alternatives).Select(rank => new TokenLogprob(rank == 0 ? token : 300 + rank, -0.5f - rank))])
            : new SampledToken(token, null, []);
    }
}
