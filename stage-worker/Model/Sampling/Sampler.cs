using Pipeline.Model.Caching;
using Pipeline.Model.Randomness;
using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;

namespace Pipeline.Model.Sampling;

/// <summary>
/// Chooses a sequence's next token. A pure function of the logits, the parameters, the tokens so far and the position; the
/// same draw comes out whatever batch, stage count or host it happens on.
/// </summary>
public static class Sampler
{
    /// <summary><paramref name="logits"/> <c>[vocabulary]</c> of the sequence's last token.</summary>
    public static SampledToken Sample(ReadOnlySpan<float> logits, SequenceState sequence)
    {
        var parameters = sequence.Start.Sampling;
        var scores = logits.ToArray();
        Penalties.Apply(scores, sequence);
        var token = parameters.Temperature == 0 ? GreedyToken(scores) : Draw(scores, parameters, sequence.Length);
        return parameters.Logprobs is { } alternatives ? Logprobs.Describe(logits, token, alternatives) : new SampledToken(token, null, []);
    }

    /// <summary>Largest score, ties to the lowest id.</summary>
    public static int GreedyToken(ReadOnlySpan<float> scores)
    {
        var best = 0;
        for (var token = 0; token < scores.Length; token++)
        {
            if (float.IsNaN(scores[token]))
            {
                throw NotFinite();
            }

            if (scores[token] > scores[best])
            {
                best = token;
            }
        }

        return float.IsFinite(scores[best]) ? best : throw NotFinite();
    }

    private static int Draw(float[] scores, SamplingParams parameters, int position)
    {
        var candidates = Nucleus.Select(scores, parameters);
        var total = 0.0;
        foreach (var candidate in candidates)
        {
            total += candidate.Probability;
        }

        if (!double.IsFinite(total) || total <= 0)
        {
            throw NotFinite();
        }

        return Pick(candidates, PositionRandom.Uniform(parameters.Seed, position) * total);
    }

    /// <summary>
    /// The candidate in whose share of the mass the target lies. Rounding may carry a target past all of them: then it is the
    /// last one that has a share.
    /// </summary>
    internal static int Pick(ReadOnlySpan<Candidate> candidates, double target)
    {
        var last = 0;
        foreach (var candidate in candidates)
        {
            if (candidate.Probability > 0)
            {
                last = candidate.Token;
                target -= candidate.Probability;
                if (target < 0)
                {
                    break;
                }
            }
        }

        return last;
    }

    internal static StageException NotFinite() => new(StageError.ComputeFailed, "the logits are not finite: the weights or the computation are broken");
}
