using Pipeline.Coordinator.Verification;

namespace Pipeline.Coordinator.Tests.Verification;

public class BuiltInCasesTests
{
    [Fact]
    public void Create_SameSeed_SamePrompts()
    {
        var (one, again, other) = (BuiltInCases.Create(512, 4096, 1), BuiltInCases.Create(512, 4096, 1), BuiltInCases.Create(512, 4096, 2));

        Assert.Equal(one.Select(item => item.Prompt), again.Select(item => item.Prompt));
        Assert.NotEqual(one.Select(item => item.Prompt), other.Select(item => item.Prompt));
    }

    [Fact]
    public void Create_AnyVocabulary_StaysWithinAndUsesAllOfIt()
    {
        var ids = Enumerable.Range(0, 50).SelectMany(seed => BuiltInCases.Create(7, 4096, seed)).SelectMany(item => item.Prompt).ToHashSet();
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], ids.Order());
    }

    [Fact]
    public void Create_ShortContext_LeavesOutWhatDoesNotFit()
    {
        Assert.Equal([1, 2, 15, 16, 17, 40, 100], Lengths(124));
        Assert.Equal([1, 2, 15, 16, 17, 40], Lengths(123));
        Assert.Equal([1], Lengths(25));
        Assert.Empty(Lengths(24));
    }

    private static IEnumerable<int> Lengths(int maxModelLength) => BuiltInCases.Create(512, maxModelLength, 1).Select(item => item.Prompt.Count);
}
