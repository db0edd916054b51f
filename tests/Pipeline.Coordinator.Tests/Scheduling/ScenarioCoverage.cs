namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>How often the rare things happened: a property that never meets them proves nothing.</summary>
internal sealed class ScenarioCoverage
{
    public int Preemptions { get; set; }

    public int CancelledInFlight { get; set; }

    public int RingReuses { get; set; }

    /// <summary>Prompt chunks that followed another chunk of the same prompt into the pipe before that had come back.</summary>
    public int ChunksFollowing { get; set; }

    public int MixedSteps { get; set; }

    public long CachedTokens { get; set; }

    public long Evictions { get; set; }

    /// <summary>Rings that came round to a block which others could use.</summary>
    public int Turns { get; set; }

    public void Add(ScenarioCoverage other)
    {
        Preemptions += other.Preemptions;
        CancelledInFlight += other.CancelledInFlight;
        RingReuses += other.RingReuses;
        ChunksFollowing += other.ChunksFollowing;
        MixedSteps += other.MixedSteps;
        CachedTokens += other.CachedTokens;
        Evictions += other.Evictions;
        Turns += other.Turns;
    }
}
