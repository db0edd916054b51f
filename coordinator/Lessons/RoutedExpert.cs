namespace Pipeline.Coordinator.Lessons;

/// <summary>One expert as a token sees it.</summary>
/// <param name="ShareOfAll">Its share of a softmax over all experts; only for comparison.</param>
/// <param name="Rank">1 is the best; null when it was not chosen.</param>
/// <param name="Weight">What its output is multiplied by; null when it was not chosen and does not run at all.</param>
public sealed record RoutedExpert(int Expert, float Logit, float ShareOfAll, int? Rank, float? Weight);
