using Pipeline.Coordinator.Scheduling.Prefixes;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Scheduling;

/// <summary>
/// One request on its way: its tokens, how far the stages have been sent them, and what is still owed to the caller.
/// </summary>
internal sealed class Sequence
{
    private readonly List<int> _tokens;
    private readonly SequenceRequest _request;
    private readonly SamplingParams _sampling;
    private readonly HashSet<int> _stopTokens;

    // Delivered so far. Survives a preemption, so that nothing is reported twice.
    private int _scoredRows;
    private int _rawRows;

    /// <summary>Tokens of the cached prefix that it was begun with.</summary>
    private int _inheritedTokens;

    /// <summary>The same at its very first beginning, before any preemption.</summary>
    private int? _cachedPromptTokens;

    /// <param name="prefixBlockSize">Size of the blocks whose contents others may use; null if nobody may.</param>
    public Sequence(SequenceId id, SequenceRequest request, int maxTokens, BlockTable blocks, int? prefixBlockSize)
    {
        Id = id;
        MaxTokens = maxTokens;
        Blocks = blocks;
        PromptLength = request.Prompt.Count;
        _request = request;
        _tokens = [.. request.Prompt];
        Prefixes = prefixBlockSize is { } size ? new PrefixChain(_tokens, size) : null;
        _stopTokens = [.. request.Sampling.StopTokenIds, .. request.IgnoreEos ? [] : request.EosTokenIds];
        // The sampler holds back what would end the sequence before MinTokens, so it has to know all of it.
        _sampling = request.Sampling with { StopTokenIds = [.. _stopTokens.Order()] };
    }

    public SequenceId Id { get; }

    public int PromptLength { get; }

    public int MaxTokens { get; }

    public int Priority => _request.Priority;

    public BlockTable Blocks { get; }

    /// <summary>The names of its blocks; null without prefix caching.</summary>
    public PrefixChain? Prefixes { get; }

    /// <summary>What is wanted of every position has to be computed at every position.</summary>
    public bool ReadsPrefixes => Prefixes is not null && !_request.PromptLogprobs && !_request.RawLogits;

    public SequenceStatus Status { get; set; }

    /// <summary>Steps inside the pipe that carry this sequence: any number of prompt chunks, but one decode at most.</summary>
    public int InFlight { get; set; }

    /// <summary>The microbatch that this sequence decodes in; null while its prompt is being computed.</summary>
    public MicrobatchId? Microbatch { get; set; }

    /// <summary>Positions that the stages have or are being sent; the next slice begins here.</summary>
    public int SentTokens { get; private set; }

    /// <summary>Prompt and generated tokens.</summary>
    public int Length => _tokens.Count;

    public int GeneratedTokens => Length - PromptLength;

    /// <summary>Tokens that are known and not sent: the rest of the prompt, or the one new token.</summary>
    public int PendingTokens => Length - SentTokens;

    public bool IsDecoding => Microbatch is not null;

    public bool IsIdle => Status == SequenceStatus.Running && InFlight == 0;

    /// <summary>Cache positions it can ever take; the last generated token never enters the pipe.</summary>
    public int MaxPositions => PositionsFor(PromptLength, MaxTokens);

    public static int PositionsFor(int promptLength, int maxTokens) => promptLength + Math.Max(maxTokens - 1, 0);

    /// <summary>Takes the blocks that its tokens so far need; the stages have the first of them already.</summary>
    public void Begin(PrefixMatch prefix, int inheritedTokens)
    {
        Blocks.Inherit(prefix, Length);
        SentTokens = _inheritedTokens = inheritedTokens;
        _cachedPromptTokens ??= inheritedTokens;
    }

    /// <summary>Builds the slice of the next <paramref name="count"/> tokens, whose blocks must be reserved.</summary>
    public SequenceSlice Send(int count)
    {
        var first = SentTokens;
        SentTokens += count;
        InFlight++;
        var logits = LogitsFor(first, SentTokens);
        var updates = Blocks.Announce(SentTokens);
        if (Prefixes is not null)
        {
            // Already now: stages take steps in order, and a step writes all its rows before any of them looks.
            Blocks.Name(Prefixes, first, SentTokens);
        }

        return new SequenceSlice
        {
            Sequence = Id,
            FirstPosition = first,
            Tokens = _tokens.GetRange(first, count).ToArray(),
            BlockUpdates = updates,
            Logits = logits,
            NextToken = logits.HasFlag(LogitsRequest.ScorePrompt) && SentTokens < PromptLength ? _tokens[SentTokens] : null,
            Start = first == _inheritedTokens ? new SequenceStart(PromptLength, _sampling) { CachedPrefix = _tokens.GetRange(0, first).ToArray() } : null,
        };
    }

    /// <summary>Forgets what the stages know; all tokens so far become the prompt of a fresh start.</summary>
    public void Rewind()
    {
        Blocks.ReleaseAll();
        SentTokens = _inheritedTokens = 0;
        InFlight = 0;
    }

    /// <summary>Takes over what a step brought, and decides whether that was the end.</summary>
    public SequenceUpdate Accept(SequenceSlice slice, SliceResult result)
    {
        var reachedEnd = EndOf(slice) == Length;
        var isStop = result.Sampled is { } drawn && EndsWith(drawn.Token);
        if (result.Sampled is { } sampled && !isStop)
        {
            _tokens.Add(sampled.Token);
        }

        var isFull = reachedEnd && GeneratedTokens >= MaxTokens;
        return new SequenceUpdate
        {
            Sequence = Id,
            Token = result.Sampled,
            IsStopToken = isStop,
            PromptLogprobs = TakePromptLogprobs(slice, result),
            RawLogits = TakeRawLogits(slice, result),
            CachedPromptTokens = _cachedPromptTokens ?? 0,
            FinishReason = isStop ? FinishReason.Stop : isFull ? FinishReason.Length : null,
        };
    }

    /// <summary>How many prompt log-probabilities a result must bring at least, counted from the slice's first row.</summary>
    public int RowsToScore(SequenceSlice slice) => Math.Min(EndOf(slice), PromptLength - 1) - slice.FirstPosition;

    private static int EndOf(SequenceSlice slice) => slice.FirstPosition + slice.Tokens.Length;

    private bool EndsWith(int token) => GeneratedTokens >= _sampling.MinTokens && _stopTokens.Contains(token);

    private LogitsRequest LogitsFor(int first, int end)
    {
        var sample = end == Length && MaxTokens > 0;
        // The last prompt token has no successor in the prompt, so there is nothing to score after it.
        var score = _request.PromptLogprobs && Math.Max(first, _scoredRows) < Math.Min(end, PromptLength - 1);
        var raw = _request.RawLogits && end > _rawRows;
        return (sample ? LogitsRequest.Sample : 0) | (score ? LogitsRequest.ScorePrompt : 0) | (raw ? LogitsRequest.Raw : 0);
    }

    private ReadOnlyMemory<float> TakePromptLogprobs(SequenceSlice slice, SliceResult result)
    {
        if (!slice.Logits.HasFlag(LogitsRequest.ScorePrompt))
        {
            return default;
        }

        var delivered = Math.Max(_scoredRows - slice.FirstPosition, 0);
        var rows = RowsToScore(slice);
        _scoredRows = slice.FirstPosition + rows;
        return result.PromptLogprobs.AsMemory(delivered..rows);
    }

    private ReadOnlyMemory<float> TakeRawLogits(SequenceSlice slice, SliceResult result)
    {
        if (!slice.Logits.HasFlag(LogitsRequest.Raw))
        {
            return default;
        }

        var vocabulary = result.Logits!.Length / slice.Tokens.Length;
        var delivered = Math.Max(_rawRows - slice.FirstPosition, 0);
        _rawRows = EndOf(slice);
        return result.Logits.AsMemory(delivered * vocabulary);
    }
}
