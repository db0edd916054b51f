using Pipeline.Coordinator.Generation;
using Pipeline.Coordinator.Serving.Answers;
using Pipeline.Coordinator.Serving.OpenAI;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>What the answers of a job cost together.</summary>
public class UsageTallyTests
{
    [Fact]
    public void Usage_SeveralPromptsAndAnswers_CountsEachPromptOnce()
    {
        var tally = new UsageTally(Job(prompts: 2, answersPerPrompt: 2, promptTokens: 100));

        foreach (var (choice, cached) in new[] { (0, 32), (1, 48), (2, 0), (3, 16) })
        {
            tally.Add(Part(choice, tokens: 3, cached));
        }

        // Of the first prompt 32 tokens were computed by none of its answers, of the second every one by one of them.
        Assert.Equal(new Usage(100, 12, 112, new PromptTokensDetails(32)), tally.Usage);
    }

    [Fact]
    public void Usage_EndThatNoStepBrought_KeepsWhatTheStepsTold()
    {
        var tally = new UsageTally(Job(prompts: 1, answersPerPrompt: 1, promptTokens: 40));

        tally.Add(Part(0, tokens: 5, cached: 32));
        tally.Add(Part(0, tokens: 0, cached: 0));

        Assert.Equal(new Usage(40, 5, 45, new PromptTokensDetails(32)), tally.Usage);
    }

    private static AnswerPart Part(int choice, int tokens, int cached) => new(choice, "", tokens, [], cached, null);

    private static AnswerJob Job(int prompts, int answersPerPrompt, int promptTokens) => new()
    {
        Requests = [.. Enumerable.Repeat(new GenerationRequest { Prompt = [1] }, prompts * answersPerPrompt)],
        Format = new NoFormat(),
        PromptTokens = promptTokens,
        AnswersPerPrompt = answersPerPrompt,
        Stream = false,
        IncludeUsage = true,
    };

    private sealed class NoFormat : IAnswerFormat
    {
        public byte[]? Opening(int choice) => null;

        public byte[] Part(AnswerPart part) => [];

        public byte[] Ending(int choice, FinishReason reason) => [];

        public byte[] UsageFrame(Usage usage) => [];

        public byte[] Whole(IReadOnlyList<AnswerPart> answers, Usage usage) => [];
    }
}
