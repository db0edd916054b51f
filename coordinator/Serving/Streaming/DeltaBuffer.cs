using System.Text;
using System.Threading.Channels;
using Pipeline.Coordinator.Generation;
using Pipeline.Coordinator.Serving.Answers;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Serving.Streaming;

/// <summary>
/// Stands between the answers of a request and its one connection. What comes while the client does not read is put together to
/// one part for each answer, and is bounded: generation never waits for a reader. Thread-safe for one reader.
/// </summary>
internal sealed class DeltaBuffer(int answers, long limit)
{
    private const int CostOfToken = 64;
    private const int CostOfAlternative = 32;

    private readonly Lock _lock = new();
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly Pending[] _pending = [.. Enumerable.Range(0, answers).Select(_ => new Pending())];
    private int _unfinished = answers;
    private long _cost;
    private Exception? _failure;

    /// <summary>Every answer has ended and was taken.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Adds to an answer. False if more is waiting than the limit allows: the reader is too slow.</summary>
    public bool TryAdd(int choice, GenerationDelta delta)
    {
        lock (_lock)
        {
            _cost += CostOf(delta);
            if (_cost > limit)
            {
                return false;
            }

            _pending[choice].Add(delta);
            _unfinished -= delta.FinishReason is null ? 0 : 1;
        }

        _news.Writer.TryWrite(true);
        return true;
    }

    /// <summary>No more comes, because of this. The reader still gets what came before.</summary>
    public void Fail(Exception failure)
    {
        lock (_lock)
        {
            _failure ??= failure;
        }

        _news.Writer.TryWrite(true);
    }

    /// <summary>Until there may be something to take.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _news.Reader.ReadAsync(cancellationToken);

    /// <summary>What has come since it was last asked, by choice. Throws the failure when nothing is left before it.</summary>
    public IReadOnlyList<AnswerPart> Take()
    {
        lock (_lock)
        {
            var parts = _pending.Select((pending, choice) => pending.Take(choice)).OfType<AnswerPart>().ToList();
            _cost = 0;
            if (parts.Count == 0 && _failure is { } failure)
            {
                throw failure;
            }

            IsComplete = _unfinished == 0;
            if (_failure is not null && !IsComplete)
            {
                _news.Writer.TryWrite(true);
            }

            return parts;
        }
    }

    private static long CostOf(GenerationDelta delta) =>
        (delta.Text.Length * sizeof(char)) + delta.Tokens.Where(token => token.Logprob is not null).Sum(token => CostOfToken + ((long)token.Top.Count * CostOfAlternative));

    /// <summary>What one answer has grown by.</summary>
    private sealed class Pending
    {
        private readonly StringBuilder _text = new();
        private List<SampledToken> _tokens = [];
        private int _count;
        private int _cached;
        private FinishReason? _reason;

        public void Add(GenerationDelta delta)
        {
            _text.Append(delta.Text);
            _tokens.AddRange(delta.Tokens.Where(token => token.Logprob is not null));
            _count += delta.Tokens.Count;
            _cached = Math.Max(_cached, delta.CachedPromptTokens);
            _reason = delta.FinishReason;
        }

        public AnswerPart? Take(int choice)
        {
            if (_text.Length == 0 && _count == 0 && _reason is null)
            {
                return null;
            }

            var part = new AnswerPart(choice, _text.ToString(), _count, _tokens, _cached, _reason);
            _text.Clear();
            (_tokens, _count, _reason) = ([], 0, null);
            return part;
        }
    }
}
