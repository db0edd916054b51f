namespace Pipeline.Shared.Models;

/// <summary>
/// Which experts a token visits and how much each counts: the k largest router logits, then a softmax over those k alone
/// in float32, so that the weights sum to 1 whatever k and the number of experts.
/// </summary>
public static class ExpertRouting
{
    /// <summary>
    /// Fills <paramref name="experts"/> with the ids of the largest logits, best first, and <paramref name="weights"/> with
    /// their shares. Their common length is k. Ties go to the lowest id.
    /// </summary>
    public static void Route(ReadOnlySpan<float> logits, Span<int> experts, Span<float> weights)
    {
        if (experts.Length == 0 || experts.Length > logits.Length)
        {
            throw new ArgumentException($"cannot choose {experts.Length} of {logits.Length} experts", nameof(experts));
        }

        if (weights.Length != experts.Length)
        {
            throw new ArgumentException($"{experts.Length} experts need as many weights, there is room for {weights.Length}", nameof(weights));
        }

        SelectLargest(logits, experts);
        for (var i = 0; i < experts.Length; i++)
        {
            weights[i] = logits[experts[i]];
        }

        Softmax(weights);
    }

    /// <summary>Turns logits into shares in place. The largest is subtracted first: exp cannot overflow.</summary>
    public static void Softmax(Span<float> values)
    {
        var largest = float.NegativeInfinity;
        foreach (var value in values)
        {
            largest = MathF.Max(largest, value);
        }

        var sum = 0f;
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = MathF.Exp(values[i] - largest);
            sum += values[i];
        }

        for (var i = 0; i < values.Length; i++)
        {
            values[i] /= sum;
        }
    }

    private static void SelectLargest(ReadOnlySpan<float> logits, Span<int> experts)
    {
        var held = 0;
        for (var expert = 0; expert < logits.Length; expert++)
        {
            var rank = held;
            while (rank > 0 && logits[expert] > logits[experts[rank - 1]])
            {
                rank--;
            }

            if (rank == experts.Length)
            {
                continue;
            }

            held = Math.Min(held + 1, experts.Length);
            for (var i = held - 1; i > rank; i--)
            {
                experts[i] = experts[i - 1];
            }

            experts[rank] = expert;
        }
    }
}
