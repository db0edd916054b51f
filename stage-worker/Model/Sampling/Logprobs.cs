using Pipeline.Shared.Sampling;

namespace Pipeline.Model.Sampling;

/// <summary>Log-probabilities under the raw logits: temperature, penalties and cuts do not enter.</summary>
public static class Logprobs
{
    public static SampledToken Describe(ReadOnlySpan<float> logits, int token, int alternatives)
    {
        var normalizer = LogSumExp(logits);
        return new SampledToken(token, (float)(logits[token] - normalizer), Top(logits, normalizer, alternatives));
    }

    /// <summary>Natural log-probability of one token.</summary>
    public static float Of(ReadOnlySpan<float> logits, int token) => (float)(logits[token] - LogSumExp(logits));

    private static double LogSumExp(ReadOnlySpan<float> logits)
    {
        var largest = float.NegativeInfinity;
        foreach (var logit in logits)
        {
            largest = Math.Max(largest, logit);
        }

        var sum = 0.0;
        foreach (var logit in logits)
        {
            sum += Math.Exp((double)logit - largest);
        }

        return largest + Math.Log(sum);
    }

    private static TokenLogprob[] Top(ReadOnlySpan<float> logits, double normalizer, int count)
    {
        var best = new PriorityQueue<int, (float Logit, int Token)>();
        for (var token = 0; token < logits.Length && count > 0; token++)
        {
            // The queue gives up the smallest first; among equals the highest id is the worse one.
            var priority = (logits[token], -token);
            if (best.Count < count)
            {
                best.Enqueue(token, priority);
            }
            else
            {
                best.EnqueueDequeue(token, priority);
            }
        }

        var top = new TokenLogprob[best.Count];
        for (var i = top.Length - 1; i >= 0; i--)
        {
            var token = best.Dequeue();
            top[i] = new TokenLogprob(token, (float)(logits[token] - normalizer));
        }

        return top;
    }
}
