using Pipeline.Model.Caching;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaKernels.DeviceSampling;
using Pipeline.Model.Sampling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.Tests.CudaKernels.DeviceSampling;

/// <summary>Rows of bf16 logits and the sequences that draw from them, each with parameters of its own; and what the CPU draws.</summary>
internal sealed class SamplingBatch
{
    private readonly Random _random;

    private SamplingBatch(int vocabulary, int rows, int seed)
    {
        _random = new Random(seed);
        Vocabulary = vocabulary;
        // Truncated to 8 bits of mantissa, many tokens are equal: ties are common.
        Logits = [.. Enumerable.Range(0, rows * vocabulary).Select(_ => Bits((float)(4 * Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble()))))];
        Sequences = [.. Enumerable.Range(0, rows).Select(row => Sequence(row, Mixed()))];
    }

    public int Vocabulary { get; }

    /// <summary><c>[rows, vocabulary]</c>.</summary>
    public ushort[] Logits { get; }

    public SequenceState[] Sequences { get; }

    public int Rows => Sequences.Length;

    /// <summary>Greedy and drawn rows, cuts, penalties, bias, bans and reports, mixed at random.</summary>
    public static SamplingBatch Mixed(int vocabulary, int rows, int seed) => new(vocabulary, rows, seed);

    /// <summary>The same logits under the same parameters for every row.</summary>
    public static SamplingBatch Of(int vocabulary, int rows, int seed, SamplingParams sampling)
    {
        var batch = new SamplingBatch(vocabulary, rows, seed);
        for (var row = 0; row < rows; row++)
        {
            batch.Sequences[row] = batch.Sequence(row, sampling with { Seed = (ulong)row * 1234567891234567UL });
        }

        return batch;
    }

    /// <summary>A step of one row a sequence.</summary>
    public StepLayout Layout => new()
    {
        Microbatch = new Microbatch
        {
            Epoch = new PlanEpoch(1),
            Step = 1,
            Id = new MicrobatchId(0),
            Slices = [.. Sequences.Select(sequence => new SequenceSlice { Sequence = sequence.Id, FirstPosition = sequence.Length - 1, Tokens = [sequence.Tokens[^1]], Logits = LogitsRequest.Sample })],
        },
        Segments = [.. Sequences.Select((sequence, row) => new StepSegment(sequence, row, 1, sequence.Length - 1))],
        Tokens = [.. Sequences.Select(sequence => sequence.Tokens[^1])],
        Positions = [.. Sequences.Select(sequence => sequence.Length - 1)],
        SegmentOfRow = [.. Enumerable.Range(0, Rows)],
        Groups = [],
    };

    public float[] Row(int row) => [.. Logits.AsSpan(row * Vocabulary, Vocabulary).ToArray().Select(bits => BitConverter.Int32BitsToSingle(bits << 16))];

    /// <summary>What the CPU draws.</summary>
    public SampledToken Expected(int row) => Sampler.Sample(Row(row), Sequences[row]);

    /// <summary>Parameters and adjustments as a step carries them.</summary>
    public (int[] Words, ScoreAdjustment[] Adjustments) Pack()
    {
        var entries = new ScoreAdjustment[CudaSampler.MostAdjustments];
        var list = new AdjustmentList(entries);
        var choices = SamplingChoices.Of(Layout, Vocabulary, ref list);
        Assert.NotNull(choices);
        return (Words(choices), entries[..list.Count]);
    }

    public static int[] Words(IReadOnlyList<SamplingChoice> choices)
    {
        var words = new int[choices.Count * StepSections.ChoiceWords];
        for (var row = 0; row < choices.Count; row++)
        {
            StepBuffers.WriteChoice(words.AsSpan(row * StepSections.ChoiceWords, StepSections.ChoiceWords), choices[row]);
        }

        return words;
    }

    /// <summary>Same ids in the same order, log-probabilities within 1e-5.</summary>
    public void AssertDrawn(int row, SampledToken actual)
    {
        var expected = Expected(row);
        Assert.True(expected.Token == actual.Token, $"row {row}: {actual.Token}, the CPU draws {expected.Token} with {Sequences[row].Start.Sampling}");
        Assert.Equal(expected.Logprob is null, actual.Logprob is null);
        AssertClose(expected.Logprob ?? 0, actual.Logprob ?? 0);
        Assert.Equal(expected.Top.Select(top => top.Token), actual.Top.Select(top => top.Token));
        Assert.All(expected.Top.Zip(actual.Top), pair => AssertClose(pair.First.Logprob, pair.Second.Logprob));
    }

    private static void AssertClose(float expected, float actual) =>
        Assert.True(expected == actual || Math.Abs(expected - actual) <= 1e-5f, $"a log-probability is {actual}, {expected} by the CPU");

    /// <summary>Tokens that matter: the likely ones of the row as the answer, anything as the prompt; some more than once.</summary>
    private SequenceState Sequence(int row, SamplingParams sampling)
    {
        var likely = Row(row).Select((logit, id) => (logit, id)).OrderByDescending(pair => pair.logit).Take(30).Select(pair => pair.id).ToArray();
        var prompt = Enumerable.Range(0, 1 + _random.Next(300)).Select(_ => _random.Next(3) == 0 ? likely[_random.Next(likely.Length)] : _random.Next(Vocabulary)).ToArray();
        var generated = Enumerable.Range(0, _random.Next(40)).Select(_ => likely[_random.Next(likely.Length)]).ToArray();
        // Ids beyond the vocabulary change nothing, on either side.
        var bias = sampling.LogitBias.Count > 0 ? sampling.LogitBias : OneIn(3)
            ? likely.Take(8).Append(-1).Append(Vocabulary + 3).Distinct().ToDictionary(id => id, _ => (float)((_random.NextDouble() * 10) - 5))
            : new Dictionary<int, float>();
        var stops = sampling.MinTokens > 0 ? [likely[0], likely[3], likely[0], -1, Vocabulary] : sampling.StopTokenIds;
        var state = new SequenceState(new SequenceId(row), new SequenceStart(prompt.Length, sampling with { LogitBias = bias, StopTokenIds = stops }), 1);
        state.Tokens.AddRange([.. prompt, .. generated]);
        return state;
    }

    private SamplingParams Mixed() => new()
    {
        Seed = (ulong)_random.NextInt64(),
        Temperature = Pick(0f, 0.7f, 1f, 1.9f),
        TopK = Pick(0, 0, 1, 40, Vocabulary + 5),
        TopP = Pick(1f, 1f, 0.95f, 0.4f),
        MinP = Pick(0f, 0f, 0.03f),
        RepetitionPenalty = Pick(1f, 1f, 1.17f, 0.83f),
        PresencePenalty = Pick(0f, 0f, 0.55f, -0.7f),
        FrequencyPenalty = Pick(0f, 0f, 0.31f, -0.1f),
        MinTokens = Pick(0, 0, 20, 1000),
        Logprobs = Pick<int?>(null, null, 0, 1, 5, 20),
    };

    private bool OneIn(int times) => _random.Next(times) == 0;

    private T Pick<T>(params T[] values) => values[_random.Next(values.Length)];

    private static ushort Bits(float value) => (ushort)(BitConverter.SingleToInt32Bits(value) >> 16);
}
