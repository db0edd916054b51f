using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Lessons;

/// <summary>How one token chooses its experts.</summary>
/// <param name="Experts">All of them, by id.</param>
/// <param name="WeightSum">Sum of the weights: 1 up to rounding.</param>
/// <param name="SumWithoutRenormalising">What the chosen ones would add up to if softmax ran over all experts and nobody renormalised: the classic mistake.</param>
public sealed record RoutingLesson(int TopK, IReadOnlyList<RoutedExpert> Experts, float WeightSum, float SumWithoutRenormalising)
{
    public static RoutingLesson Of(IReadOnlyList<float> logits, int topK)
    {
        ArgumentNullException.ThrowIfNull(logits);
        if (topK < 1 || topK > logits.Count)
        {
            throw new UserErrorException($"cannot choose {topK} of {logits.Count} experts; top-k lies between 1 and {logits.Count}");
        }

        var chosen = new int[topK];
        var weights = new float[topK];
        ExpertRouting.Route([.. logits], chosen, weights);
        float[] shares = [.. logits];
        ExpertRouting.Softmax(shares);
        var experts = logits.Select((logit, expert) =>
        {
            var rank = Array.IndexOf(chosen, expert);
            return rank < 0 ? new RoutedExpert(expert, logit, shares[expert], null, null) : new RoutedExpert(expert, logit, shares[expert], rank + 1, weights[rank]);
        });
        return new RoutingLesson(topK, [.. experts], weights.Sum(), chosen.Sum(expert => shares[expert]));
    }
}
