using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>The schedule reaches what theory allows on ideal stages.</summary>
public class SchedulerUtilizationTests
{
    private static readonly KvCacheSpec Cache = new(16, [new KvCacheGroup(null, 64, 640)]);

    [Theory]
    [InlineData(4, 1, 8)]
    [InlineData(4, 2, 8)]
    [InlineData(4, 3, 7)]
    [InlineData(4, 4, 7)]
    [InlineData(4, 4, 8)]
    [InlineData(4, 8, 8)]
    [InlineData(8, 4, 64)]
    public void SteadyDecode_OfManySequences_UsesWhatIsPredicted(int stages, int microbatches, int sequences)
    {
        var scheduler = Create(microbatches, maxTokens: 64);
        for (var index = 0; index < sequences; index++)
        {
            scheduler.Add(new SequenceRequest { Prompt = [1, 2, 3], MaxTokens = 500 });
        }

        var pipeline = new TickPipeline(scheduler, Cache, stages);
        pipeline.RunUntil(10 * stages);
        var before = pipeline.Entered;
        pipeline.RunUntil(30 * stages);
        var utilization = (double)(pipeline.Entered - before) / (20 * stages);
        Assert.Equal(new PipelineSchedule(stages, microbatches).DecodeUtilization, utilization);
    }

    /// <summary>
    /// Requests of unequal lengths come and go all the time: the first stage always has something, and the microbatches of a
    /// round carry about the same number of decodes.
    /// </summary>
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void ComingAndGoing_OfManySequences_KeepsThePipeFull(int stages)
    {
        var scheduler = Create(stages, maxTokens: 64);
        var random = new Random(stages);
        var pipeline = new TickPipeline(scheduler, Cache, stages);
        for (var tick = 1; tick <= 400; tick++)
        {
            if (tick == 1 || random.Next(3) == 0)
            {
                for (var arrivals = tick == 1 ? 24 : 1; arrivals > 0; arrivals--)
                {
                    scheduler.Add(new SequenceRequest { Prompt = new int[random.Next(1, 80)], MaxTokens = random.Next(1, 60), IgnoreEos = true });
                }
            }

            pipeline.RunUntil(tick);
        }

        Assert.InRange(pipeline.Entered, 390, 400);
        var rounds = Enumerable.Range(0, pipeline.Decodes.Count - stages).Select(first => pipeline.Decodes.GetRange(first, stages)).ToList();
        Assert.All(rounds, round => Assert.InRange(round.Max() - round.Min(), 0, 3));
        Assert.InRange(rounds.Average(round => round.Max() - round.Min()), 0, 1.5);
        Assert.InRange(pipeline.Decodes.Average(), 3, 24);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void OneLongPrompt_InChunks_TakesTheTicksPredicted(int stages)
    {
        var scheduler = Create(stages, maxTokens: 4);
        scheduler.Add(new SequenceRequest { Prompt = new int[64], MaxTokens = 1 });
        var pipeline = new TickPipeline(scheduler, Cache, stages);
        pipeline.RunUntil(new PipelineSchedule(stages, 16).PrefillTicks);
        Assert.Equal(1, scheduler.Counters.Running);
        pipeline.RunUntil(pipeline.Tick + 1);
        Assert.Equal(0, scheduler.Counters.Running);
    }

    [Fact]
    public void OneLongPrompt_WithOneMicrobatch_LeavesTheOtherStagesIdle()
    {
        var scheduler = Create(1, maxTokens: 4);
        scheduler.Add(new SequenceRequest { Prompt = new int[64], MaxTokens = 1 });
        var pipeline = new TickPipeline(scheduler, Cache, 4);
        pipeline.RunUntil(16 * 4);
        Assert.Equal((1, 16), (scheduler.Counters.Running, pipeline.Entered));
    }

    private static Scheduler Create(int microbatches, int maxTokens) => new(
        new SchedulerOptions
        {
            Epoch = new PlanEpoch(1),
            MaxSequences = 64,
            MaxBatchedTokens = maxTokens,
            Microbatches = microbatches,
            MaxModelLength = 1024,
        },
        Cache);
}
