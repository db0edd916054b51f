using Microsoft.Extensions.AI;

namespace Pipeline.EndToEnd.Tests.Serving;

/// <summary>.NET's common interface to models, through its own adapter over the official client: nothing of ours is between.</summary>
public sealed class ChatClientTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly ChatMessage[] Question = [new(ChatRole.System, "Thou art a poet."), new(ChatRole.User, "Speak, Romeo.")];

    [Fact]
    public async Task Response_Whole_HasTextUsageAndReason()
    {
        using var client = shared.Server.Chat("any").AsIChatClient();

        var answer = await client.GetResponseAsync(Question, Greedy(12), Token);

        Assert.NotEmpty(answer.Text);
        Assert.Equal((ChatFinishReason.Length, CoordinatorServer.Model), (answer.FinishReason, answer.ModelId));
        Assert.Equal((12, answer.Usage!.InputTokenCount + 12), (answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount));
    }

    [Fact]
    public async Task Response_Streamed_IsTheWholeAnswerInParts()
    {
        using var client = shared.Server.Chat("any").AsIChatClient();
        var whole = await client.GetResponseAsync(Question, Greedy(24), Token);

        var updates = await client.GetStreamingResponseAsync(Question, Greedy(24), Token).ToListAsync(Token);

        Assert.Equal(whole.Text, string.Concat(updates.Select(update => update.Text)));
        Assert.True(updates.Count(update => update.Text.Length > 0) > 3, "the text came in one piece");
        Assert.Equal((whole.FinishReason, whole.Usage!.OutputTokenCount), (updates.ToChatResponse().FinishReason, updates.ToChatResponse().Usage!.OutputTokenCount));
    }

    private static ChatOptions Greedy(int tokens) => new() { MaxOutputTokens = tokens, Temperature = 0 };

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
