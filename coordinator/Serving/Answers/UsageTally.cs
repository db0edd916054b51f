using Pipeline.Coordinator.Serving.OpenAI;

namespace Pipeline.Coordinator.Serving.Answers;

/// <summary>Adds up what the answers of a job cost while they come.</summary>
internal sealed class UsageTally(AnswerJob job)
{
    private readonly int[] _cached = new int[job.Requests.Count];
    private int _generated;

    public Usage Usage => Usage.Of(job.PromptTokens, CachedTokens(), _generated);

    public void Add(AnswerPart part)
    {
        _generated += part.TokenCount;
        // The end of an answer that a stop string cut off comes from no step and knows nothing of the cache.
        _cached[part.Choice] = Math.Max(_cached[part.Choice], part.CachedPromptTokens);
    }

    /// <summary>A prompt counts once, and as cached only as far as none of its answers had to compute it.</summary>
    private int CachedTokens() => _cached.Chunk(job.AnswersPerPrompt).Sum(answers => answers.Min());
}
