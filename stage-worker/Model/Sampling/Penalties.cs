using System.Runtime.InteropServices;
using Pipeline.Model.Caching;

namespace Pipeline.Model.Sampling;

/// <summary>Everything that changes logits before the choice: bias, repetition, presence and frequency penalties, a minimum length.</summary>
public static class Penalties
{
    public static void Apply(Span<float> scores, SequenceState sequence)
    {
        var parameters = sequence.Start.Sampling;
        var tokens = CollectionsMarshal.AsSpan(sequence.Tokens);
        var generated = tokens[Math.Min(sequence.Start.PromptLength, tokens.Length)..];
        Repeat(scores, tokens, parameters.RepetitionPenalty);
        Count(scores, generated, parameters.PresencePenalty, parameters.FrequencyPenalty);
        foreach (var (token, bias) in parameters.LogitBias)
        {
            if ((uint)token < (uint)scores.Length)
            {
                scores[token] += bias;
            }
        }

        if (generated.Length < parameters.MinTokens)
        {
            foreach (var token in parameters.StopTokenIds)
            {
                if ((uint)token < (uint)scores.Length)
                {
                    scores[token] = float.NegativeInfinity;
                }
            }
        }
    }

    private static void Repeat(Span<float> scores, ReadOnlySpan<int> seen, float penalty)
    {
        if (penalty == 1)
        {
            return;
        }

        var done = new HashSet<int>();
        foreach (var token in seen)
        {
            if (done.Add(token))
            {
                scores[token] = scores[token] > 0 ? scores[token] / penalty : scores[token] * penalty;
            }
        }
    }

    private static void Count(Span<float> scores, ReadOnlySpan<int> generated, float presence, float frequency)
    {
        if (presence == 0 && frequency == 0)
        {
            return;
        }

        var counts = new Dictionary<int, int>();
        foreach (var token in generated)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(counts, token, out _)++;
        }

        foreach (var (token, count) in counts)
        {
            scores[token] -= presence + (frequency * count);
        }
    }
}
