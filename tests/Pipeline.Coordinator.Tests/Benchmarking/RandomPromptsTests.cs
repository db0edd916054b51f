using Pipeline.Coordinator.Benchmarking;

namespace Pipeline.Coordinator.Tests.Benchmarking;

public class RandomPromptsTests
{
    [Fact]
    public void Next_SameSeed_GivesTheSamePromptsInTheSameOrder()
    {
        var (first, second) = (new RandomPrompts(7, 1000), new RandomPrompts(7, 1000));
        Assert.Equal(first.Next(2, 32), second.Next(2, 32));
        Assert.Equal(first.Next(2, 32), second.Next(2, 32));
        Assert.NotEqual(first.Next(2, 32), new RandomPrompts(8, 1000).Next(2, 32));
    }

    [Fact]
    public void Next_Again_GivesFreshIdsInsideTheVocabulary()
    {
        var prompts = new RandomPrompts(7, 50);
        var all = Enumerable.Range(0, 4).SelectMany(_ => prompts.Next(2, 64)).ToList();
        Assert.Equal(8, all.Select(prompt => string.Join(',', prompt)).Distinct().Count());
        Assert.All(all, prompt => Assert.All(prompt, id => Assert.InRange(id, 0, 49)));
    }
}
