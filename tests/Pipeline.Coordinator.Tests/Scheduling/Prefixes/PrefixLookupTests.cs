using CsCheck;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Scheduling.Prefixes;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Tests.Scheduling.Prefixes;

/// <summary>A prefix may be used where everything that will be seen of it is there, in every group; and the longest is found.</summary>
public class PrefixLookupTests
{
    private const int Blocks = 12;

    [Theory]
    [InlineData(null, new[] { 0, 1, 2 }, 3, 3)]
    [InlineData(null, new[] { 0, 2, 3 }, 1, 1)]
    [InlineData(5, new[] { 2 }, 3, 1)] // position 12 sees 8..12: 8 to 11 are in block 2
    [InlineData(6, new[] { 2 }, 0, 0)] // position 12 sees 7..12: 7 is in block 1
    [InlineData(6, new[] { 1, 2, 5 }, 3, 2)]
    [InlineData(1, new int[0], 12, 0)] // position 48 sees nothing but itself
    public void Longest_OneGroup_EndsWhereTheWindowIsComplete(int? window, int[] there, int blocks, int held)
    {
        var (pool, chain) = Create(4, new KvCacheGroup(window, 20, 20));
        foreach (var block in there)
        {
            pool.Name(0, pool.Allocate(0), chain[block]);
        }

        var match = new PrefixLookup(pool).Longest(chain, Blocks);
        Assert.Equal((blocks, held), (match.Blocks, match.Held[0].Length));
    }

    [Fact]
    public void Longest_AnyBlocksInAnyGroups_IsWhatTheRuleSays() => FixedSeeds.ForEach(Cases, 400, input =>
    {
        var (there, windows, size, most) = input;
        var (pool, chain) = Create(size, [.. windows.Select(window => new KvCacheGroup(window, 30, 30))]);
        var ids = there.Select((blocks, group) => blocks.Index().Where(item => item.Item).ToDictionary(item => item.Index, item => pool.Allocate(group))).ToArray();
        for (var group = 0; group < windows.Length; group++)
        {
            foreach (var (block, id) in ids[group])
            {
                pool.Name(group, id, chain[block]);
            }
        }

        var expected = Enumerable.Range(0, most + 1).Last(blocks => windows.Index().All(
            group => Seen(blocks, group.Item).All(position => ids[group.Index].ContainsKey(position / size))));
        var match = new PrefixLookup(pool).Longest(chain, most);
        Assert.Equal(expected, match.Blocks);
        Assert.All(windows.Index(), group => Assert.Equal(
            Seen(expected, group.Item).Select(position => position / size).Distinct().Select(block => ids[group.Index][block]), match.Held[group.Index]));

        IEnumerable<int> Seen(int blocks, int? window) =>
            Enumerable.Range(0, blocks * size).Where(key => AttentionWindow.Sees(blocks * size, key, window));
    });

    private static Gen<(bool[][] There, int?[] Windows, int Size, int Most)> Cases =>
        from groups in Gen.Int[1, 3]
        from there in Gen.Frequency((3, Gen.Const(true)), (1, Gen.Const(false))).Array[Blocks].Array[groups]
        from windows in Gen.Int[1, 9].Nullable().Array[groups]
        from size in Gen.Int[1, 4]
        from most in Gen.Int[0, Blocks]
        select (there, windows, size, most);

    private static (KvBlockPool Pool, PrefixChain Chain) Create(int size, params KvCacheGroup[] groups) =>
        (new KvBlockPool(new KvCacheSpec(size, groups)), new PrefixChain([.. Enumerable.Range(0, 100)], size));
}
