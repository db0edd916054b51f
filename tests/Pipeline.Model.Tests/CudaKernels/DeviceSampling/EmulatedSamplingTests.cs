using System.Runtime.InteropServices;
using Pipeline.Model.CudaKernels.DeviceSampling;
using Pipeline.Shared.Sampling;

namespace Pipeline.Model.Tests.CudaKernels.DeviceSampling;

/// <summary>The sampling kernel's logic, played on the CPU, against the CPU's sampler. The same on the device: <see cref="CudaSamplingTests"/>.</summary>
public sealed class EmulatedSamplingTests : IClassFixture<EmulatedSamplingTests.Compiled>
{
    private const byte Poison = 0xcd;

    private readonly Compiled _compiled;

    public EmulatedSamplingTests(Compiled compiled) => _compiled = compiled;

    [Theory]
    [InlineData(97, 40, 1)]
    [InlineData(1030, 40, 2)]
    [InlineData(32000, 16, 3)]
    [InlineData(32768, 16, 4)]
    [InlineData(131072, 4, 5)]
    public void Sample_EveryRowItsOwnParameters_DrawsWhatTheCpuDraws(int vocabulary, int rows, int seed)
    {
        var batch = SamplingBatch.Mixed(vocabulary, rows, seed);
        var (tokens, reports) = Sample(batch);
        for (var row = 0; row < rows; row++)
        {
            batch.AssertDrawn(row, batch.Sequences[row].Start.Sampling.Logprobs is null ? new SampledToken(tokens[row], null, []) : reports[row].Of(tokens[row]));
        }
    }

    /// <summary>Rows that ask for nothing cost nothing: neither scores nor reports are written for them, nor behind the last.</summary>
    [Fact]
    public void Sample_PlainRows_WriteTheirTokenAlone()
    {
        var batch = SamplingBatch.Of(97, 5, 6, new SamplingParams { TopK = 7, LogitBias = new Dictionary<int, float>() });
        var words = SamplingBatch.Words([.. batch.Sequences.Select(sequence => new SamplingChoice(sequence.Start.Sampling, sequence.Length, default))]);
        var (tokens, reports, scores) = Run(batch, words, []);
        Assert.All(tokens[..5], token => Assert.InRange(token, 0, 96));
        Assert.Equal(BitConverter.ToInt32([Poison, Poison, Poison, Poison]), tokens[5]);
        Assert.All(MemoryMarshal.AsBytes<SamplingReport>(reports).ToArray(), value => Assert.Equal(Poison, value));
        Assert.All(MemoryMarshal.AsBytes<float>(scores).ToArray(), value => Assert.Equal(Poison, value));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    public void Sample_NothingFinite_IsMarked(float temperature)
    {
        var banned = Enumerable.Range(0, 97).ToDictionary(id => id, _ => float.NegativeInfinity);
        Assert.Equal(-1, Sample(SamplingBatch.Of(97, 1, 7, new SamplingParams { Temperature = temperature, LogitBias = banned, Logprobs = 2 })).Tokens[0]);
        var boundless = new Dictionary<int, float> { [5] = float.PositiveInfinity };
        Assert.Equal(-1, Sample(SamplingBatch.Of(97, 1, 8, new SamplingParams { Temperature = temperature, LogitBias = boundless })).Tokens[0]);
        foreach (ushort broken in (ushort[])[0x7fc0, 0xffc0, 0x7f80])
        {
            var batch = SamplingBatch.Of(97, 1, 9, new SamplingParams { Temperature = temperature });
            batch.Logits[40] = broken;
            Assert.Equal(-1, Sample(batch).Tokens[0]);
        }
    }

    /// <summary>Among equals every boundary is met exactly: min-p keeps them all, top-p the one in front of which lies just its mass.</summary>
    [Theory]
    [InlineData(0, 1f, 1f, 64)]
    [InlineData(0, 0.5f, 0f, 33)]
    [InlineData(0, 0.25f, 1f, 17)]
    [InlineData(8, 0.5f, 0f, 5)]
    public void Sample_AmongEquals_DrawsFromAllThatTheCutsKeep(int topK, float topP, float minP, int kept)
    {
        // A bias for nobody, so that the batch does not make one up: its tokens would not be equal.
        var batch = SamplingBatch.Of(64, 400, 11, new SamplingParams { TopK = topK, TopP = topP, MinP = minP, LogitBias = new Dictionary<int, float> { [64] = 1 } });
        Array.Fill(batch.Logits, (ushort)0x3f80);
        var tokens = Sample(batch).Tokens;
        Assert.Equal(Enumerable.Range(0, batch.Rows).Select(row => batch.Expected(row).Token), tokens[..batch.Rows]);
        Assert.Equal(kept - 1, tokens[..batch.Rows].Max());
    }

    /// <summary>A score below zero is multiplied where one above it is divided; all are below zero here, so the best one shows it.</summary>
    [Theory]
    [InlineData(1.5f)]
    [InlineData(0.7f)]
    public void Sample_RepeatedTokensBelowZero_FollowTheCpu(float penalty)
    {
        var batch = SamplingBatch.Of(97, 40, 12, new SamplingParams { Temperature = 0, RepetitionPenalty = penalty });
        for (var i = 0; i < batch.Logits.Length; i++)
        {
            batch.Logits[i] |= 0x8000;
        }

        var tokens = Sample(batch).Tokens;
        Assert.Equal(Enumerable.Range(0, batch.Rows).Select(row => batch.Expected(row).Token), tokens[..batch.Rows]);
    }

    /// <summary>Zero has two signs and one value: the lower id is the better one, whatever its sign.</summary>
    [Fact]
    public void Sample_ZerosOfBothSigns_AreEqual()
    {
        var bias = new Dictionary<int, float> { [90] = -1f };
        foreach (var sampling in new SamplingParams[] { new() { Temperature = 0, Logprobs = 3 }, new() { Temperature = 0, Logprobs = 3, LogitBias = bias }, new() { TopK = 2, LogitBias = bias } })
        {
            var batch = SamplingBatch.Of(97, 30, 10, sampling);
            for (var i = 0; i < batch.Logits.Length; i++)
            {
                batch.Logits[i] = (i % 97) switch { 3 => 0x8000, 4 => 0x0000, 5 => 0x8000, _ => 0xc000 };
            }

            var (tokens, reports) = Sample(batch);
            for (var row = 0; row < batch.Rows; row++)
            {
                batch.AssertDrawn(row, sampling.Logprobs is null ? new SampledToken(tokens[row], null, []) : reports[row].Of(tokens[row]));
            }
        }
    }

    private (int[] Tokens, SamplingReport[] Reports) Sample(SamplingBatch batch)
    {
        var (words, adjustments) = batch.Pack();
        var (tokens, reports, _) = Run(batch, words, adjustments);
        return (tokens, reports);
    }

    /// <summary>Every output is poisoned before, and has a row more than the kernel may write.</summary>
    private unsafe (int[] Tokens, SamplingReport[] Reports, float[] Scores) Run(SamplingBatch batch, int[] words, ScoreAdjustment[] adjustments)
    {
        var (tokens, reports, scores) = (new int[batch.Rows + 1], new SamplingReport[batch.Rows + 1], new float[(batch.Rows + 1) * batch.Vocabulary]);
        MemoryMarshal.AsBytes(tokens.AsSpan()).Fill(Poison);
        MemoryMarshal.AsBytes(reports.AsSpan()).Fill(Poison);
        MemoryMarshal.AsBytes(scores.AsSpan()).Fill(Poison);
        var sample = (delegate* unmanaged<int, ushort*, int*, int*, int, ScoreAdjustment*, float*, SamplingReport*, int>)_compiled.Kernel.Function("emulate_sample");
        fixed (ushort* logits = batch.Logits)
        fixed (int* choices = words, drawn = tokens)
        fixed (ScoreAdjustment* list = adjustments)
        fixed (float* adjusted = scores)
        fixed (SamplingReport* told = reports)
        {
            Assert.Equal(0, sample(batch.Rows, logits, choices, drawn, batch.Vocabulary, list, adjusted, told));
        }

        return (tokens, reports, scores);
    }

    public sealed class Compiled : IDisposable
    {
        private readonly Lazy<EmulatedKernel> _kernel = new(() => new EmulatedKernel("sampling", "emulated_sampling.hpp"));

        internal EmulatedKernel Kernel => _kernel.Value;

        public void Dispose()
        {
            if (_kernel.IsValueCreated)
            {
                _kernel.Value.Dispose();
            }
        }
    }
}
