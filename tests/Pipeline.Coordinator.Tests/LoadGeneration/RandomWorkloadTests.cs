using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Tests.LoadGeneration;

public class RandomWorkloadTests
{
    private static readonly RandomWorkload Workload = new(InputTokens: 100, OutputTokens: 40, RangeRatio: 0.25, VocabularySize: 512, Seed: 3);

    [Fact]
    public void Prompts_TokenIds_StayInTheVocabularyAndWithoutSpecialOnes() =>
        Assert.All(Workload.Prompts(200, PromptForm.TokenIds).SelectMany(prompt => prompt.TokenIds!), id => Assert.InRange(id, 3, 511));

    [Fact]
    public void Prompts_Lengths_SpreadOverTheWholeRange()
    {
        var prompts = Workload.Prompts(2000, PromptForm.TokenIds);
        Assert.Equal(75, prompts.Min(prompt => prompt.TokenIds!.Length));
        Assert.Equal(125, prompts.Max(prompt => prompt.TokenIds!.Length));
        Assert.Equal(30, prompts.Min(prompt => prompt.OutputTokens));
        Assert.Equal(50, prompts.Max(prompt => prompt.OutputTokens));
        Assert.InRange(prompts.Average(prompt => prompt.TokenIds!.Length), 98, 102);
    }

    [Fact]
    public void Prompts_NoRange_AreExactlyAsLongAsAskedFor() => Assert.All(
        (Workload with { RangeRatio = 0 }).Prompts(50, PromptForm.TokenIds), prompt => Assert.Equal((100, 40), (prompt.TokenIds!.Length, prompt.OutputTokens)));

    [Fact]
    public void Prompts_Words_HaveTheLengthsOfTheTokenIds()
    {
        var words = Workload.Prompts(50, PromptForm.Words);
        Assert.Equal(Workload.Prompts(50, PromptForm.TokenIds).Select(prompt => (prompt.EstimatedTokens, prompt.OutputTokens)), words.Select(prompt => (prompt.EstimatedTokens, prompt.OutputTokens)));
        Assert.All(words, prompt => Assert.Null(prompt.TokenIds));
    }

    [Fact]
    public void Prompts_SameSeed_AreTheSameAndNoTwoAreAlike()
    {
        var prompts = Workload.Prompts(100, PromptForm.Words).Select(prompt => prompt.Text!).ToList();
        Assert.Equal(prompts, Workload.Prompts(100, PromptForm.Words).Select(prompt => prompt.Text!));
        Assert.Equal(100, prompts.Distinct().Count());
        Assert.NotEqual(prompts, (Workload with { Seed = 4 }).Prompts(100, PromptForm.Words).Select(prompt => prompt.Text!));
    }

    [Fact]
    public void Probe_HasTheHighestId() => Assert.Contains(511, Workload.Probe().TokenIds!);
}
