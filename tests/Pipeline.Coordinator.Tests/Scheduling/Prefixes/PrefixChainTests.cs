using Pipeline.Coordinator.Scheduling.Prefixes;

namespace Pipeline.Coordinator.Tests.Scheduling.Prefixes;

public class PrefixChainTests
{
    [Fact]
    public void Name_OfABlock_CoversAllTokensUpToItsEnd()
    {
        List<int> tokens = [1, 2, 3, 4, 5, 6];
        var chain = new PrefixChain(tokens, blockSize: 2);
        Assert.Equal(chain[2], PrefixHash.Empty.Then([1, 2]).Then([3, 4]).Then([5, 6]));
        for (var changed = 0; changed < tokens.Count; changed++)
        {
            var others = tokens.Select((token, index) => index == changed ? token + 1 : token).ToList();
            var other = new PrefixChain(others, blockSize: 2);
            Assert.Equal(Enumerable.Range(0, 3).Select(block => block < changed / 2), Enumerable.Range(0, 3).Select(block => chain[block] == other[block]));
        }
    }

    [Fact]
    public void Name_OfEqualBlocksInDifferentPlaces_Differs()
    {
        var chain = new PrefixChain([7, 7, 7, 7, 7, 7], blockSize: 2);
        Assert.Equal(3, new[] { chain[0], chain[1], chain[2] }.Distinct().Count());
        Assert.NotEqual(PrefixHash.Empty.Then([1, 2]), PrefixHash.Empty.Then([1]).Then([2]));
    }

    [Fact]
    public void Name_OfAGrowingSequence_FollowsItsFullBlocks()
    {
        List<int> tokens = [1, 2, 3];
        var chain = new PrefixChain(tokens, blockSize: 2);
        var first = chain[0];
        Assert.Throws<ArgumentOutOfRangeException>(() => chain[1]);
        tokens.Add(4);
        Assert.Equal(first, chain[0]);
        Assert.Equal(first.Then([3, 4]), chain[1]);
    }
}
