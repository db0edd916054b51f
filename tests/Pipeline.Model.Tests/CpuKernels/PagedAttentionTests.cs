using Pipeline.Model.CpuKernels;

namespace Pipeline.Model.Tests.CpuKernels;

public unsafe class PagedAttentionTests
{
    [Fact]
    public void Attend_OnRandomBatches_MatchesDoublePrecisionAndTouchesNoUnseenSlot()
    {
        using var threads = new KernelThreads(2);
        for (var seed = 0; seed < 40; seed++)
        {
            var attention = AttentionCase.Random(new Random(seed));
            var actual = attention.Run(threads);
            var expected = attention.Reference();
            KernelAssert.Close(expected, [.. expected.Select(value => Math.Abs(value) + 1)], actual, 2e-6, $"seed {seed}, {attention}");
        }
    }

    [Fact]
    public void Attend_OnRandomBatches_HasTheSameBitsOnEveryHost()
    {
        using var hosts = new KernelHosts();
        for (var seed = 100; seed < 112; seed++)
        {
            var attention = AttentionCase.Random(new Random(seed));
            hosts.RunEverywhere(threads => attention.Run(threads));
        }
    }

    [Fact]
    public void Attend_ForAPromptInChunks_HasTheBitsOfOneShot()
    {
        using var threads = new KernelThreads(1);
        for (var seed = 200; seed < 230; seed++)
        {
            var random = new Random(seed);
            var length = random.Next(2, 140);
            var whole = AttentionCase.Random(random).With(sequences: [(0, length)]);
            var chunks = new List<float>();
            for (var first = 0; first < length;)
            {
                var end = Math.Min(length, first + random.Pick(1, 2, random.Next(1, 50)));
                chunks.AddRange(whole.With(sequences: [(first, end)]).Run(threads));
                first = end;
            }

            KernelAssert.SameBits(whole.Run(threads), chunks.ToArray(), $"seed {seed}, {whole}");
        }
    }

    [Fact]
    public void Attend_WithAnyBlockSize_HasTheSameBits()
    {
        using var threads = new KernelThreads(1);
        for (var seed = 300; seed < 310; seed++)
        {
            var attention = AttentionCase.Random(new Random(seed));
            var expected = attention.Run(threads);
            foreach (var blockSize in (int[])[1, 2, 5, 16, 31, 32, 100])
            {
                KernelAssert.SameBits(expected, attention.With(blockSize: blockSize).Run(threads), $"seed {seed}, {attention}, blocks of {blockSize}");
            }
        }
    }

    [Fact]
    public void Attend_WithRowsInAnyOrder_GivesEachRowTheSameBits()
    {
        using var threads = new KernelThreads(2);
        for (var seed = 400; seed < 415; seed++)
        {
            var attention = AttentionCase.Random(new Random(seed));
            var rows = attention.Rows().ToArray();
            var inOrder = attention.Run(threads).Chunk(attention.Heads * attention.HeadDim).Zip(rows).ToDictionary(pair => pair.Second, pair => pair.First);
            new Random(seed).Shuffle(rows);
            KernelAssert.SameBits(rows.SelectMany(row => inOrder[row]).ToArray(), attention.Run(threads, rows), $"seed {seed}, {attention}");
        }
    }

    [Fact]
    public void Attend_WithAWindowOfOne_ReturnsTheRowsOwnValues()
    {
        var attention = new AttentionCase { Heads = 2, KvHeads = 1, HeadDim = 16, BlockSize = 4, Window = 1, Sequences = [(90, 97)] };
        using var threads = new KernelThreads(1);
        var expected = attention.Reference().Select(value => (float)value).ToArray();
        KernelAssert.SameBits(expected, attention.Run(threads), "own values");
    }

    [Fact]
    public void Attend_WithLongContext_StaysAccurate()
    {
        var attention = new AttentionCase { Heads = 4, KvHeads = 1, HeadDim = 32, BlockSize = 16, Window = 0, Sequences = [(3000, 3003)] };
        using var threads = new KernelThreads(1);
        var expected = attention.Reference();
        KernelAssert.Close(expected, [.. expected.Select(_ => 1.0)], attention.Run(threads), 5e-6, "3000 keys");
    }

    [Fact]
    public void Attend_WithAHeadOfNoWholeLanes_NamesTheWidth()
    {
        var attention = new AttentionCase { Heads = 1, KvHeads = 1, HeadDim = 24, BlockSize = 4, Window = 0, Sequences = [(0, 1)] };
        using var threads = new KernelThreads(1);
        var exception = Assert.Throws<ArgumentException>(() => attention.Run(threads));
        Assert.Contains("multiple of 16, got 24", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Attend_WithHeadsThatDoNotShareEvenly_NamesBoth()
    {
        var attention = new AttentionCase { Heads = 3, KvHeads = 2, HeadDim = 16, BlockSize = 4, Window = 0, Sequences = [(0, 1)] };
        using var threads = new KernelThreads(1);
        var exception = Assert.Throws<ArgumentException>(() => attention.Run(threads));
        Assert.Contains("3 query heads cannot share 2", exception.Message, StringComparison.Ordinal);
    }
}
