using System.Runtime.CompilerServices;
using Pipeline.Model.Caching;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaKernels.DeviceSampling;
using Pipeline.Model.Sampling;
using Pipeline.Model.Tests.Sampling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.Tests.CudaKernels.DeviceSampling;

public class SamplingChoicesTests
{
    [Fact]
    public void Of_AnyParameters_StaysOnTheDevice()
    {
        var batch = SamplingBatch.Mixed(97, 40, 1);
        var (words, adjustments) = batch.Pack();
        Assert.Equal(40 * StepSections.ChoiceWords, words.Length);
        Assert.NotEmpty(adjustments);
        Assert.Contains(batch.Sequences, sequence => sequence.Start.Sampling.Logprobs is not null);
    }

    /// <summary>The list, applied part by part as the device applies it, is what Penalties does; no part names a token twice that counts.</summary>
    [Theory]
    [InlineData(97, 1)]
    [InlineData(1030, 2)]
    public void TryAdd_MixedRows_SayWhatPenaltiesChange(int vocabulary, int seed)
    {
        var batch = SamplingBatch.Mixed(vocabulary, 50, seed);
        var entries = new ScoreAdjustment[10000];
        var list = new AdjustmentList(entries);
        for (var row = 0; row < batch.Rows; row++)
        {
            var (expected, actual) = (batch.Row(row), batch.Row(row));
            Penalties.Apply(expected, batch.Sequences[row]);
            Assert.True(list.TryAdd(batch.Sequences[row], out var range));
            Assert.Equal(list.Count, range.End);
            Assert.Distinct(entries[range.Seen..range.Biased].Select(entry => entry.Token));
            Assert.Distinct(entries[range.Biased..range.Banned].Select(entry => entry.Token));
            Apply(batch.Sequences[row].Start.Sampling, entries, range, actual);
            Assert.Equal(expected, actual);
        }
    }

    private static void Apply(SamplingParams sampling, ScoreAdjustment[] entries, AdjustmentRange range, float[] scores)
    {
        foreach (var (token, times) in entries[range.Seen..range.Biased])
        {
            scores[token] = scores[token] > 0 ? scores[token] / sampling.RepetitionPenalty : scores[token] * sampling.RepetitionPenalty;
            scores[token] -= times > 0 ? sampling.PresencePenalty + (sampling.FrequencyPenalty * times) : 0;
        }

        foreach (var (token, bits) in entries[range.Biased..range.Banned].Where(entry => (uint)entry.Token < scores.Length))
        {
            scores[token] += BitConverter.Int32BitsToSingle(bits);
        }

        foreach (var (token, _) in entries[range.Banned..range.End].Where(entry => (uint)entry.Token < scores.Length))
        {
            scores[token] = float.NegativeInfinity;
        }
    }

    /// <summary>Stop tokens come back with the token that completes the minimum.</summary>
    [Fact]
    public void TryAdd_MinimumReached_BansNothing()
    {
        var sampling = new SamplingParams { MinTokens = 3, StopTokenIds = [7, 8] };
        var list = new AdjustmentList(new ScoreAdjustment[10]);
        Assert.True(list.TryAdd(SamplingState.Of(sampling, [1, 2], [4, 5]), out var before));
        Assert.True(list.TryAdd(SamplingState.Of(sampling, [1, 2], [4, 5, 6]), out var reached));
        Assert.Equal((2, true), (before.End, reached.IsEmpty));
    }

    [Fact]
    public void TryAdd_ListTooShort_AddsNothing()
    {
        var list = new AdjustmentList(new ScoreAdjustment[5]);
        Assert.True(list.TryAdd(SamplingState.Of(new SamplingParams { RepetitionPenalty = 2 }, [1, 2, 3]), out var first));
        Assert.False(list.TryAdd(SamplingState.Of(new SamplingParams { LogitBias = new Dictionary<int, float> { [1] = 1, [2] = 1, [3] = 1 } }), out var second));
        Assert.False(list.TryAdd(SamplingState.Of(new SamplingParams { MinTokens = 1, StopTokenIds = [7, 8, 9] }), out _));
        Assert.True(list.TryAdd(SamplingState.Of(new SamplingParams { MinTokens = 1, StopTokenIds = [7, 8] }), out var third));
        Assert.Equal((new AdjustmentRange(0, 3, 3, 3), default, new AdjustmentRange(3, 3, 3, 5)), (first, second, third));
    }

    /// <summary>Prompts cost the list nothing where only the answer is penalised.</summary>
    [Fact]
    public void TryAdd_CountPenalties_ListTheAnswerAlone()
    {
        var list = new AdjustmentList(new ScoreAdjustment[100]);
        Assert.True(list.TryAdd(SamplingState.Of(new SamplingParams { FrequencyPenalty = 1 }, [.. Enumerable.Range(0, 5000)], [6, 6]), out var range));
        Assert.Equal(1, range.End);
    }

    public static TheoryData<string> BeyondTheDevice => ["logprobs", "vocabulary", "adjustments", "raw", "score", "reports"];

    /// <summary>What the device has no room for is scored by the CPU, the whole step of it.</summary>
    [Theory]
    [MemberData(nameof(BeyondTheDevice))]
    public void Of_BeyondABound_IsNone(string bound)
    {
        Assert.NotNull(Of(97, 100, new SamplingParams { Logprobs = 20, RepetitionPenalty = 2 }, LogitsRequest.Sample));
        Assert.Null(bound switch
        {
            "logprobs" => Of(97, 100, new SamplingParams { Logprobs = 21 }, LogitsRequest.Sample),
            "vocabulary" => Of(SamplingChoices.MostTokens + 1, 100, new SamplingParams(), LogitsRequest.Sample),
            "adjustments" => Of(97, 0, new SamplingParams { RepetitionPenalty = 2 }, LogitsRequest.Sample),
            "raw" => Of(97, 100, new SamplingParams(), LogitsRequest.Sample | LogitsRequest.Raw),
            "score" => Of(97, 100, new SamplingParams(), LogitsRequest.ScorePrompt),
            _ => Of(97, 100, new SamplingParams { Logprobs = 0 }, LogitsRequest.Sample, SamplingChoices.MostReports + 1),
        });
        Assert.NotNull(Of(97, 100, new SamplingParams(), LogitsRequest.Sample, SamplingChoices.MostReports + 1));
    }

    [Fact]
    public void Report_AndParameters_AreAsLongAsTheKernelHasThem()
    {
        Assert.Equal(4 * (2 + (2 * SamplingChoices.MostLogprobs)), Unsafe.SizeOf<SamplingReport>());
        Assert.Equal(8, Unsafe.SizeOf<ScoreAdjustment>());
        var source = KernelSources.Read("sampling");
        Assert.Contains($"#define MOST_LOGPROBS {SamplingChoices.MostLogprobs}\n", source, StringComparison.Ordinal);
    }

    private static IReadOnlyList<SamplingChoice>? Of(int vocabulary, int room, SamplingParams sampling, LogitsRequest request, int rows = 1)
    {
        var sequence = SamplingState.Of(sampling, [1, 2, 3]);
        var slice = new SequenceSlice { Sequence = sequence.Id, FirstPosition = 2, Tokens = [3], Logits = request };
        var layout = new StepLayout
        {
            Microbatch = new Microbatch { Epoch = new PlanEpoch(1), Step = 1, Id = new MicrobatchId(0), Slices = [.. Enumerable.Repeat(slice, rows)] },
            Segments = [.. Enumerable.Repeat(new StepSegment(sequence, 0, 1, 2), rows)],
            Tokens = [3],
            Positions = [2],
            SegmentOfRow = [0],
            Groups = [],
        };
        var list = new AdjustmentList(new ScoreAdjustment[room]);
        return SamplingChoices.Of(layout, vocabulary, ref list);
    }
}
