using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>Equal stages that take one tick per microbatch, whatever is in it: what of the predicted use does the schedule reach?</summary>
internal sealed class TickPipeline(Scheduler scheduler, KvCacheSpec cache, int stages)
{
    private readonly ReplayStage _stage = new(cache);
    private readonly Queue<(int Leaves, MicrobatchResult Result)> _inside = new();
    private int _stageZeroFree;

    public int Tick { get; private set; }

    /// <summary>Microbatches that have entered the first stage.</summary>
    public int Entered { get; private set; }

    /// <summary>Single tokens behind the first slice of their sequence, by microbatch: decodes.</summary>
    public List<int> Decodes { get; } = [];

    /// <summary>Runs until the scheduler has nothing left or the tick is reached.</summary>
    public void RunUntil(int lastTick)
    {
        while (scheduler.HasWork && Tick < lastTick)
        {
            while (_inside.TryPeek(out var head) && head.Leaves <= Tick)
            {
                scheduler.Complete(_inside.Dequeue().Result);
            }

            while (scheduler.TrySchedule() is { } microbatch)
            {
                Enter(microbatch);
            }

            Tick++;
        }
    }

    private void Enter(Microbatch microbatch)
    {
        var start = Math.Max(Tick, _stageZeroFree);
        _stageZeroFree = start + 1;
        Decodes.Add(microbatch.Slices.Count(slice => slice is { Start: null, Tokens.Length: 1 }));
        Entered += microbatch.TokenCount > 0 ? 1 : 0;
        _inside.Enqueue((start + stages, _stage.Forward(microbatch)));
    }
}
