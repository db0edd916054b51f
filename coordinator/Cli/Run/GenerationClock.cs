namespace Pipeline.Coordinator.Cli.Run;

/// <summary>Times a group of generations: prefill lasts until the last of them has its first token, decode from there on.</summary>
internal sealed class GenerationClock(TimeProvider timeProvider, int sequences)
{
    private readonly Lock _lock = new();
    private long _began;
    private long _prefilled;
    private long _ended;
    private int _withFirstToken;
    private int _tokens;
    private int _decodeTokens;

    public void Begin() => _began = _prefilled = _ended = timeProvider.GetTimestamp();

    /// <summary>Tokens came for one sequence.</summary>
    public void Tick(int tokens, bool first)
    {
        lock (_lock)
        {
            _ended = timeProvider.GetTimestamp();
            _tokens += tokens;
            if (_withFirstToken == sequences)
            {
                _decodeTokens += tokens;
            }
            else if (first && ++_withFirstToken == sequences)
            {
                _prefilled = _ended;
            }
        }
    }

    public Throughput Summarize(int promptTokens)
    {
        lock (_lock)
        {
            var prefill = (_withFirstToken == sequences ? timeProvider.GetElapsedTime(_began, _prefilled) : timeProvider.GetElapsedTime(_began, _ended)).TotalSeconds;
            var decode = timeProvider.GetElapsedTime(_prefilled, _ended).TotalSeconds;
            return new Throughput(
                promptTokens, _tokens, prefill, decode, prefill > 0 ? promptTokens / prefill : 0, decode > 0 ? _decodeTokens / decode : 0);
        }
    }
}
