using Pipeline.Shared.Sampling;

namespace Pipeline.Model.Sampling;

/// <summary>Temperature, then the cuts in the order top-k, top-p, min-p. What remains is returned in id order.</summary>
public static class Nucleus
{
    public static Candidate[] Select(ReadOnlySpan<float> scores, SamplingParams parameters)
    {
        var candidates = Exponentiate(scores, parameters.Temperature);
        if (parameters.TopK <= 0 && parameters.TopP >= 1 && parameters.MinP <= 0)
        {
            return candidates;
        }

        var kept = Shortlist(candidates, parameters);
        Array.Sort(kept, static (a, b) => a.Probability != b.Probability ? b.Probability.CompareTo(a.Probability) : a.Token.CompareTo(b.Token));
        var count = parameters.TopK > 0 ? Math.Min(parameters.TopK, kept.Length) : kept.Length;
        count = CutTopP(kept.AsSpan(0, count), parameters.TopP, Sum(parameters.TopK > 0 ? kept.AsSpan(0, count) : candidates));
        count = CutMinP(kept.AsSpan(0, count), parameters.MinP);
        var result = kept[..count];
        Array.Sort(result, static (a, b) => a.Token.CompareTo(b.Token));
        return result;
    }

    private static Candidate[] Exponentiate(ReadOnlySpan<float> scores, float temperature)
    {
        var largest = float.NegativeInfinity;
        foreach (var score in scores)
        {
            largest = Math.Max(largest, score);
        }

        var candidates = new Candidate[scores.Length];
        for (var token = 0; token < candidates.Length; token++)
        {
            candidates[token] = new Candidate(token, Math.Exp(((double)scores[token] - largest) / temperature));
        }

        return candidates;
    }

    /// <summary>
    /// Without top-k, a token below (1 - p) / vocabulary of the whole mass can be dropped before sorting: all such tokens
    /// together hold less than 1 - p, so the mass before each of them exceeds p.
    /// </summary>
    private static Candidate[] Shortlist(Candidate[] candidates, SamplingParams parameters)
    {
        if (parameters.TopK > 0 || parameters.TopP >= 1)
        {
            return candidates;
        }

        var threshold = Sum(candidates) * (1 - parameters.TopP) / candidates.Length;
        return Array.FindAll(candidates, candidate => candidate.Probability >= threshold);
    }

    /// <summary>A token goes when the mass before it is strictly greater than p of the whole; the first one always stays.</summary>
    private static int CutTopP(Span<Candidate> sorted, float topP, double mass)
    {
        if (topP >= 1)
        {
            return sorted.Length;
        }

        var limit = mass * topP;
        var before = 0.0;
        for (var i = 0; i < sorted.Length; i++)
        {
            if (before > limit)
            {
                return i;
            }

            before += sorted[i].Probability;
        }

        return sorted.Length;
    }

    private static int CutMinP(Span<Candidate> sorted, float minP)
    {
        var count = sorted.Length;
        while (count > 1 && sorted[count - 1].Probability < sorted[0].Probability * minP)
        {
            count--;
        }

        return count;
    }

    private static double Sum(ReadOnlySpan<Candidate> candidates)
    {
        var sum = 0.0;
        foreach (var candidate in candidates)
        {
            sum += candidate.Probability;
        }

        return sum;
    }
}
