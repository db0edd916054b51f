using CsCheck;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Scheduling.Prefixes;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Tests.Scheduling;

public class KvBlockPoolTests
{
    private static readonly KvCacheSpec TwoGroups = new(4, [new KvCacheGroup(6, 3, 5), new KvCacheGroup(null, 8, 9)]);

    [Fact]
    public void Allocate_AfterReleases_TakesTheLowestFreeBlock()
    {
        var pool = new KvBlockPool(TwoGroups);
        Assert.Equal([0, 1, 2, 3], Enumerable.Range(0, 4).Select(_ => pool.Allocate(0)));
        pool.Release(0, 2);
        pool.Release(0, 0);
        Assert.Equal([0, 2, 4], Enumerable.Range(0, 3).Select(_ => pool.Allocate(0)));
        Assert.Equal(0, pool.Allocate(1));
    }

    [Fact]
    public void Allocate_WithNothingFree_NamesTheGroupAndItsSize()
    {
        var pool = new KvBlockPool(TwoGroups);
        for (var block = 0; block < 5; block++)
        {
            pool.Allocate(0);
        }

        Assert.Equal("all 5 blocks of KV cache group 0 are in use", Assert.Throws<InvalidOperationException>(() => pool.Allocate(0)).Message);
    }

    [Fact]
    public void Release_OfAFreeBlock_IsRefusedAndChangesNothing()
    {
        var pool = new KvBlockPool(TwoGroups);
        pool.Allocate(1);
        pool.Release(1, 0);
        Assert.Equal("block 0 of KV cache group 1 is free already", Assert.Throws<InvalidOperationException>(() => pool.Release(1, 0)).Message);
        Assert.Equal((9, 0, 1), (pool.Free(1), pool.Used(1), pool.Peak(1)));
        pool.CheckIntegrity();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(5)]
    public void Release_OfAForeignBlock_NamesTheBlocksThereAre(int block) => Assert.Contains(
        "KV cache group 0 has blocks 0 to 4", Assert.Throws<ArgumentOutOfRangeException>(() => new KvBlockPool(TwoGroups).Release(0, block)).Message);

    /// <summary>Under full attention a shared block is one block; behind a window it is one for everybody who holds it.</summary>
    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 1)]
    public void Share_HeldBlock_IsFreeWhenTheLastOneGivesItBack(int group, int used)
    {
        var pool = new KvBlockPool(TwoGroups);
        var block = pool.Allocate(group);
        pool.Share(group, block);
        Assert.Equal(used, pool.Used(group));
        Assert.False(pool.IsPrivate(group, block));
        pool.Release(group, block);
        Assert.Equal(1, pool.Used(group));
        Assert.True(pool.IsPrivate(group, block));
        pool.CheckIntegrity();
        pool.Release(group, block);
        Assert.Equal(0, pool.Used(group));
        Assert.Throws<InvalidOperationException>(() => pool.Release(group, block));
        pool.CheckIntegrity();
    }

    /// <summary>Nameless blocks are taken first, then those that have rested longest; who is used again rests anew.</summary>
    [Fact]
    public void Allocate_WithNamedBlocksResting_TakesThemLastAndTheOldestFirst()
    {
        var pool = new KvBlockPool(TwoGroups);
        for (var block = 0; block < 4; block++)
        {
            pool.Name(0, pool.Allocate(0), NameOf(block));
        }

        foreach (var block in (int[])[2, 0, 3, 1])
        {
            pool.Release(0, block);
        }

        pool.Share(0, 0);
        pool.Release(0, 0);
        Assert.Equal((5, 0L), (pool.Free(0), pool.Evictions));
        Assert.Equal([4, 2, 3, 1, 0], Enumerable.Range(0, 5).Select(_ => pool.Allocate(0)));
        Assert.Equal(4, pool.Evictions);
        Assert.All(Enumerable.Range(0, 4), block => Assert.Null(pool.Find(0, NameOf(block))));
        pool.CheckIntegrity();
    }

    [Fact]
    public void Name_SecondBlockOfTheSamePrefix_StaysPrivate()
    {
        var pool = new KvBlockPool(TwoGroups);
        var (first, second) = (pool.Allocate(1), pool.Allocate(1));
        pool.Name(1, first, NameOf(7));
        pool.Name(1, second, NameOf(7));
        Assert.Equal((first, false, true), (pool.Find(1, NameOf(7)), pool.IsPrivate(1, first), pool.IsPrivate(1, second)));
        Assert.Null(pool.Find(0, NameOf(7)));
        Assert.Throws<InvalidOperationException>(() => pool.Name(1, first, NameOf(8)));
    }

    [Fact]
    public void ForgetPrefixes_HeldAndResting_LeavesBlocksWithoutNames()
    {
        var pool = new KvBlockPool(TwoGroups);
        var (held, resting) = (pool.Allocate(0), pool.Allocate(0));
        pool.Name(0, held, NameOf(1));
        pool.Name(0, resting, NameOf(2));
        pool.Release(0, resting);
        pool.ForgetPrefixes();
        pool.CheckIntegrity();
        Assert.Null(pool.Find(0, NameOf(1)) ?? pool.Find(0, NameOf(2)));
        Assert.True(pool.IsPrivate(0, held));
        Assert.Equal((resting, 0L), (pool.Allocate(0), pool.Evictions));
    }

    [Theory]
    [InlineData(5, 2, true)]
    [InlineData(5, 1, false)]
    [InlineData(9, 3, true)]
    [InlineData(9, 2, false)]
    [InlineData(32, 3, false)] // the ring of group 0 is complete, but group 1 needs 8 of its 3
    public void HasRoomFor_Length_CountsRingsOnce(int length, int free, bool expected)
    {
        var pool = new KvBlockPool(new KvCacheSpec(4, [new KvCacheGroup(6, 3, free), new KvCacheGroup(null, 8, free)]));
        Assert.Equal(expected, pool.HasRoomFor(length, PrefixMatch.None(2)));
    }

    /// <summary>
    /// Of a prefix of three blocks two are held by others and one rests. Under full attention the two cost nothing, but the
    /// third has to be taken; behind a window each costs a block, for the ring will come round to it.
    /// </summary>
    [Theory]
    [InlineData(null, 6, true)]
    [InlineData(null, 7, false)]
    [InlineData(40, 4, true)]
    [InlineData(40, 5, false)]
    public void HasRoomFor_LengthBehindAPrefix_CountsWhatHasToBeTaken(int? window, int blocks, bool expected)
    {
        var pool = new KvBlockPool(new KvCacheSpec(4, [new KvCacheGroup(window, 20, 6)]));
        int[] prefix = [pool.Allocate(0), pool.Allocate(0), pool.Allocate(0)];
        pool.Name(0, prefix[2], NameOf(2));
        pool.Release(0, prefix[2]);
        Assert.Equal(4, pool.Free(0));
        Assert.Equal(expected, pool.HasRoomFor(4 * blocks, new PrefixMatch(3, [prefix])));
    }

    [Fact]
    public void HasRoomFor_BeyondTheWindow_NeedsOneRingOnly() =>
        Assert.True(new KvBlockPool(new KvCacheSpec(4, [new KvCacheGroup(6, 3, 3)])).HasRoomFor(1000, PrefixMatch.None(1)));

    [Fact]
    public void AnySequenceOfEvents_AgainstASet_KeepsCountsAndOrder() => FixedSeeds.ForEach(Gen.Int[0, 7].Array[0, 60], 200, events =>
    {
        var pool = new KvBlockPool(TwoGroups);
        var (used, peak) = (new SortedSet<int>(), 0);
        foreach (var number in events)
        {
            if (used.Contains(number))
            {
                pool.Release(0, number);
                used.Remove(number);
            }
            else if (used.Count < 5)
            {
                var lowest = Enumerable.Range(0, 5).First(block => !used.Contains(block));
                Assert.Equal(lowest, pool.Allocate(0));
                used.Add(lowest);
            }

            peak = Math.Max(peak, used.Count);
            Assert.Equal((5 - used.Count, used.Count, peak), (pool.Free(0), pool.Used(0), pool.Peak(0)));
            pool.CheckIntegrity();
        }
    });

    private static PrefixHash NameOf(int token) => PrefixHash.Empty.Then([token]);
}
