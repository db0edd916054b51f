using Pipeline.Coordinator.Scheduling;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Codec;
using Pipeline.Protos.Framing;
using Pipeline.Protos.SharedMemory;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>What requests bring besides tokens must not make a step that no stage would take: everybody in the pipe would lose by it.</summary>
public class BookkeepingTests
{
    private const int Vocabulary = 131_072;
    private const int Sequences = 128;
    private const int LongPrompt = 32_000;

    private static readonly Dictionary<int, float> BiasOfEveryToken = Enumerable.Range(0, Vocabulary).ToDictionary(token => token, token => 0.5f + token);

    [Fact]
    public void Steps_OfStartsWithABiasForEveryToken_FitAMessage()
    {
        var scheduler = new Scheduler(SchedulerTestBed.Options with { MaxSequences = Sequences, MaxBatchedTokens = 4096 }, new KvCacheSpec(4, [new KvCacheGroup(null, 8, 8 * Sequences)]));
        for (var request = 0; request < 16; request++)
        {
            scheduler.Add(new SequenceRequest { Prompt = [1, 2, 3], MaxTokens = 2, Sampling = new SamplingParams { LogitBias = BiasOfEveryToken } });
        }

        AssertAllFit(scheduler);
    }

    /// <summary>Prompts that begin alike, of which next to nothing is left to compute: all of them would fit into one step by their tokens.</summary>
    [Fact]
    public void Steps_OfStartsWithLongPrefixes_FitAMessage()
    {
        var cache = new KvCacheSpec(16, [new KvCacheGroup(null, (LongPrompt / 16) + 8, (LongPrompt / 16) + (8 * Sequences))]);
        var scheduler = new Scheduler(SchedulerTestBed.Options with { MaxSequences = Sequences, MaxBatchedTokens = LongPrompt, MaxModelLength = LongPrompt + 64, PrefixCaching = true }, cache);
        int[] prefix = [.. Enumerable.Range(0, LongPrompt - 16).Select(position => Vocabulary - 1 - position)];
        for (var request = 0; request < Sequences; request++)
        {
            scheduler.Add(new SequenceRequest { Prompt = [.. prefix, request, request], MaxTokens = 40 });
        }

        AssertAllFit(scheduler);
        Assert.True(scheduler.Counters.Preemptions == 0);
    }

    /// <summary>Both transports take each step; and several starts still travel together, but not all.</summary>
    private static void AssertAllFit(Scheduler scheduler)
    {
        var starts = new List<int>();
        scheduler.Finish((microbatch, slice) =>
        {
            if (slice == microbatch.Slices[0])
            {
                Assert.InRange(MicrobatchCodec.ToWire(microbatch).CalculateSize(), 1, StageChannels.MaxDataMessageBytes - FrameLimits.PieceBytes);
                using var ring = RingWriter.CreateForTokens();
                Assert.True(ring.TryWrite(microbatch, null));
                starts.Add(microbatch.Slices.Count(part => part.Start is not null));
            }

            return 7;
        });

        Assert.True(starts.Count(count => count > 0) > 1, "all began in one step");
        Assert.True(starts.Max() > 1, "each began in a step of its own");
    }
}
