using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sampling;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Scheduling;

/// <summary>
/// Whatever else is under way, whatever is found in the cache and whoever is preempted: each of many requests of random
/// lengths and settings brings what it brings alone, to the last bit.
/// </summary>
public class BatchedEqualsAloneTests
{
    private const int MaxLength = 112;
    private const int Chunk = 24;

    /// <summary>Short windows: prompts are longer than they are.</summary>
    private static readonly Dictionary<string, (string Folder, IReadOnlyList<int?> Windows)> Models = new()
    {
        ["full attention"] = (Fixtures.At("random-mistral-nowindow-headdim"), [null]),
        ["one window"] = (Fixtures.At("random-mistral"), [13]),
        ["windows by layer"] = (Fixtures.At("random-mistral"), [null, 9, 21]),
        ["experts"] = (Fixtures.At("random-mixtral"), [null]),
        ["experts behind windows"] = (Fixtures.TinyMixtral, [null, 17, 40, 17]),
    };

    [Theory]
    [InlineData("full attention", 64, false, false)]
    [InlineData("full attention", 64, true, false)]
    [InlineData("full attention", 64, true, true)]
    [InlineData("one window", 64, true, false)]
    [InlineData("one window", 64, false, true)]
    [InlineData("one window", 64, true, true)]
    [InlineData("windows by layer", 64, true, true)]
    [InlineData("experts", 32, true, true)]
    [InlineData("experts behind windows", 32, true, true)]
    public void ManyRequests_Together_BringWhatEachBringsAlone(string name, int count, bool prefixes, bool fewBlocks)
    {
        var (folder, model) = ModelOf(name);
        var random = new Random(count + (prefixes ? 1 : 0));
        var requests = Enumerable.Range(0, count).Select(index => RequestOf(random, index, model.VocabularySize)).ToList();
        var expected = Alone(folder, model, requests);

        using var together = Create(folder, model, prefixes, fewBlocks);
        var ids = new List<SequenceId>();
        while (ids.Count < count || together.Scheduler.HasWork)
        {
            // Three quarters come at once, the others while those run.
            for (var arrivals = ids.Count == 0 ? count * 3 / 4 : random.Next(3); arrivals > 0 && ids.Count < count; arrivals--)
            {
                ids.Add(together.Add(requests[ids.Count]));
            }

            if (random.Next(40) == 0)
            {
                together.Cancel(ids[random.Next(ids.Count)]);
            }

            together.Step();
        }

        var counters = together.Scheduler.Counters;
        Assert.Equal(prefixes, counters.Prefixes.HitTokens > 0);
        Assert.Equal(fewBlocks, counters.Preemptions > 0);
        Assert.All(ids.Zip(expected), pair => together.Sequences[pair.First].CheckAgainst(pair.Second));
        Assert.Equal((0, 0, 0d), (counters.Running, counters.Waiting, counters.CacheUsage));
    }

    /// <summary>The stages lose everything in the middle, and nothing is found in the cache that they do not have any more.</summary>
    [Theory]
    [InlineData("full attention")]
    [InlineData("windows by layer")]
    public void ManyRequests_WithRestarts_BringWhatEachBringsAlone(string name)
    {
        var (folder, model) = ModelOf(name);
        var random = new Random(5);
        var requests = Enumerable.Range(0, 16).Select(index => RequestOf(random, index, model.VocabularySize)).ToList();
        var expected = Alone(folder, model, requests);

        using var together = Create(folder, model, prefixes: true, fewBlocks: false);
        var ids = requests.Select(together.Add).ToList();
        for (var step = 1; together.Scheduler.HasWork; step++)
        {
            together.Step();
            if (step % 17 == 0 && step < 70)
            {
                together.Restart();
            }
        }

        Assert.All(ids.Zip(expected), pair => together.Sequences[pair.First].CheckAgainst(pair.Second));
    }

    /// <summary>A chat: each turn brings the whole conversation, and only what is new is computed.</summary>
    [Theory]
    [InlineData("full attention")]
    [InlineData("one window")]
    [InlineData("experts behind windows")]
    public void LaterTurn_OfTheSameConversation_ComputesOnlyWhatIsNew(string name)
    {
        var (folder, model) = ModelOf(name);
        using var cached = Create(folder, model, prefixes: true, fewBlocks: false);
        using var plain = Create(folder, model, prefixes: false, fewBlocks: false);
        int[] conversation = [.. Enumerable.Range(3, 30)];
        for (var turn = 0; turn < 4; turn++)
        {
            var request = new SequenceRequest { Prompt = conversation, MaxTokens = 6, Sampling = new SamplingParams { Temperature = 0 }, IgnoreEos = true };
            var (before, hits) = (cached.ComputedRows, cached.Scheduler.Counters.Prefixes.HitTokens);
            var (id, other) = (cached.Add(request), plain.Add(request));
            cached.RunToEnd();
            plain.RunToEnd();
            cached.Sequences[id].CheckAgainst(plain.Sequences[other]);

            // Of the turn before all full blocks are there: its prompt and answer without the last token, which was never fed back.
            var there = turn == 0 ? 0 : (conversation.Length - 10 - 1) / 4 * 4;
            Assert.Equal(there, cached.Scheduler.Counters.Prefixes.HitTokens - hits);
            Assert.Equal(conversation.Length - there + 5, cached.ComputedRows - before);
            conversation = [.. conversation, .. cached.Sequences[id].Tokens.Select(token => token.Token), .. Enumerable.Range(100 * (turn + 1), 10)];
        }
    }

    private static (string Folder, ModelConfig Model) ModelOf(string name)
    {
        var (folder, windows) = Models[name];
        return (folder, ModelConfigFile.Read(folder).Config with { WindowPattern = windows });
    }

    /// <summary>One after the other, and nothing is kept from one to the next.</summary>
    private static List<ScheduledSequence> Alone(string folder, ModelConfig model, List<SequenceRequest> requests)
    {
        using var alone = Create(folder, model, prefixes: false, fewBlocks: false);
        return [.. requests.Select(request =>
        {
            var id = alone.Add(request);
            alone.RunToEnd();
            return alone.Sequences[id];
        })];
    }

    private static ScheduledModel Create(string folder, ModelConfig model, bool prefixes, bool fewBlocks)
    {
        var options = new SchedulerOptions
        {
            Epoch = new PlanEpoch(1),
            MaxSequences = 24,
            MaxBatchedTokens = Chunk,
            Microbatches = 3,
            MaxModelLength = MaxLength,
            PrefixCaching = prefixes,
        };
        var cache = new KvCacheSpec(4, [.. model.DistinctWindows.Select(window =>
        {
            var ring = KvCacheSpec.RingBlocksFor(window, 4, Chunk + 3, MaxLength);
            return new KvCacheGroup(window, ring, fewBlocks ? ring * 3 : ring * 24);
        })]);
        return new ScheduledModel(folder, model, options, cache, stages: 2);
    }

    /// <summary>
    /// Many begin with one of two system prompts, others say the first words of one over and over; some are only scored, and
    /// few are as short as they can be.
    /// </summary>
    private static SequenceRequest RequestOf(Random random, int index, int vocabulary)
    {
        var system = random.Next(4) switch
        {
            0 => Enumerable.Range(0, 32),
            1 => Enumerable.Range(10, 32),
            2 => Enumerable.Range(0, 4 * random.Next(2, 9)).Select(position => position % 4),
            _ => [],
        };
        int[] prompt = [.. system, .. Enumerable.Range(0, random.Next(1, 30)).Select(_ => random.Next(vocabulary))];
        return new SequenceRequest
        {
            Prompt = prompt,
            MaxTokens = random.Next(10) == 0 ? 0 : random.Next(1, 48),
            EosTokenIds = [2],
            IgnoreEos = random.Next(2) == 0,
            Priority = random.Next(3) == 0 ? random.Next(-1, 2) : 0,
            PromptLogprobs = random.Next(8) == 0,
            Sampling = new SamplingParams
            {
                Temperature = random.Next(3) == 0 ? 0 : random.NextSingle() * 2,
                TopP = random.Next(2) == 0 ? 1 : 0.8f,
                TopK = random.Next(2) == 0 ? 0 : 20,
                MinP = random.Next(4) == 0 ? 0.05f : 0,
                RepetitionPenalty = random.Next(3) == 0 ? 1.3f : 1,
                PresencePenalty = random.Next(4) == 0 ? 0.5f : 0,
                FrequencyPenalty = random.Next(4) == 0 ? 0.3f : 0,
                LogitBias = random.Next(4) == 0 ? new Dictionary<int, float> { [random.Next(vocabulary)] = 5 } : [],
                Seed = (ulong)index,
                Logprobs = random.Next(2) == 0 ? 2 : null,
                MinTokens = random.Next(4),
            },
        };
    }
}
