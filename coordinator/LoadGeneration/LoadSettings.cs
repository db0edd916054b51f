namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>How a run loads the server.</summary>
/// <param name="RequestRate">Requests a second, infinity for all at once.</param>
/// <param name="Burstiness">Shape of the gaps between requests; 1 is a Poisson process.</param>
/// <param name="MaxConcurrency">Requests under way at the same time; null for no limit. A request that has to wait for a place starts when it has one.</param>
/// <param name="WarmUps">Requests before those that count.</param>
/// <param name="Seed">Of prompts, lengths and arrivals.</param>
public sealed record LoadSettings(double RequestRate, double Burstiness, int? MaxConcurrency, int WarmUps, ulong Seed);
