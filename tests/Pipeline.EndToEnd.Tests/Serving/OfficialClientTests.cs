using System.ClientModel;
using System.Text.Json;
using OpenAI.Chat;
using Pipeline.EndToEnd.Tests.Cli;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Serving;

/// <summary>The official .NET client, unmodified, against the program with real workers.</summary>
public sealed class OfficialClientTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private static readonly ChatMessage[] Question = [new SystemChatMessage("Thou art a poet."), new UserChatMessage("Speak, Romeo.")];

    private ChatClient Chat => shared.Server.Chat("any");

    [Fact]
    public async Task Chat_Whole_HasTextUsageAndReason()
    {
        ChatCompletion answer = await Chat.CompleteChatAsync(Question, Greedy(12), Token);

        Assert.NotEmpty(answer.Content[0].Text);
        Assert.Equal((ChatMessageRole.Assistant, ChatFinishReason.Length, CoordinatorServer.Model), (answer.Role, answer.FinishReason, answer.Model));
        Assert.Equal((12, answer.Usage.InputTokenCount + 12), (answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount));
        Assert.StartsWith("chatcmpl-", answer.Id, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_Streamed_IsTheWholeAnswerInParts()
    {
        ChatCompletion whole = await Chat.CompleteChatAsync(Question, Greedy(24), Token);
        List<StreamingChatCompletionUpdate> updates = [];
        await foreach (var update in Chat.CompleteChatStreamingAsync(Question, Greedy(24), Token))
        {
            updates.Add(update);
        }

        Assert.Equal(whole.Content[0].Text, string.Concat(updates.SelectMany(update => update.ContentUpdate).Select(part => part.Text)));
        Assert.True(updates.Count(update => update.ContentUpdate.Count > 0) > 3, "the text came in one piece");
        Assert.Equal(ChatMessageRole.Assistant, updates[0].Role);
        Assert.Equal(ChatFinishReason.Length, Assert.Single(updates, update => update.FinishReason is not null).FinishReason);
        // The client asks for the usage by itself.
        Assert.Equal(24, updates[^1].Usage.OutputTokenCount);
        Assert.Single(updates.Select(update => (update.CompletionId, update.Model)).Distinct());
    }

    /// <summary>The second time all full blocks of the prompt are there, whichever form the answer has.</summary>
    [Fact]
    public async Task Chat_SamePromptAgain_UsageTellsWhatWasCached()
    {
        ChatMessage[] question = [new UserChatMessage(string.Concat(Enumerable.Repeat("But soft, what light through yonder window breaks? ", 4)))];
        ChatCompletion first = await Chat.CompleteChatAsync(question, Greedy(2), Token);
        ChatCompletion again = await Chat.CompleteChatAsync(question, Greedy(2), Token);
        ChatTokenUsage? streamed = null;
        await foreach (var update in Chat.CompleteChatStreamingAsync(question, Greedy(2), Token))
        {
            streamed = update.Usage ?? streamed;
        }

        var prompt = first.Usage.InputTokenCount;
        Assert.True(prompt > 32, $"{prompt} tokens");
        Assert.Equal(0, first.Usage.InputTokenDetails.CachedTokenCount);
        Assert.InRange(again.Usage.InputTokenDetails.CachedTokenCount, prompt - 32, prompt - 1);
        Assert.Equal((prompt, again.Usage.InputTokenDetails.CachedTokenCount), (streamed!.InputTokenCount, streamed.InputTokenDetails.CachedTokenCount));
    }

    [Fact]
    public async Task Chat_WithLogprobs_TellsThemForEachToken()
    {
        var options = Greedy(5);
        (options.IncludeLogProbabilities, options.TopLogProbabilityCount) = (true, 3);

        ChatCompletion answer = await Chat.CompleteChatAsync(Question, options, Token);

        Assert.Equal(5, answer.ContentTokenLogProbabilities.Count);
        Assert.All(answer.ContentTokenLogProbabilities, token =>
        {
            Assert.Equal(3, token.TopLogProbabilities.Count);
            Assert.Equal((token.Token, token.LogProbability), (token.TopLogProbabilities[0].Token, token.TopLogProbabilities[0].LogProbability));
        });
    }

    [Fact]
    public async Task Chat_SameSeed_SameText()
    {
#pragma warning disable OPENAI001 // the client calls its seed experimental
        ChatCompletionOptions Seeded(long seed) => new() { MaxOutputTokenCount = 20, Temperature = 1, Seed = seed };
#pragma warning restore OPENAI001

        ChatCompletion first = await Chat.CompleteChatAsync(Question, Seeded(7), Token);
        ChatCompletion again = await Chat.CompleteChatAsync(Question, Seeded(7), Token);
        ChatCompletion other = await Chat.CompleteChatAsync(Question, Seeded(8), Token);

        Assert.Equal(first.Content[0].Text, again.Content[0].Text);
        Assert.NotEqual(first.Content[0].Text, other.Content[0].Text);
    }

    [Fact]
    public async Task Chat_UnknownModel_Is404WithTheNames()
    {
        var failure = await Assert.ThrowsAsync<ClientResultException>(() => shared.Server.Client("any").GetChatClient("gpt-9").CompleteChatAsync(Question, Greedy(1), Token));

        Assert.Equal(404, failure.Status);
        Assert.Contains("'gpt-9'", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"'{CoordinatorServer.Model}'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_WithTools_Is400NamingTheField()
    {
        var options = Greedy(1);
        options.Tools.Add(ChatTool.CreateFunctionTool("weather"));

        var failure = await Assert.ThrowsAsync<ClientResultException>(() => Chat.CompleteChatAsync(Question, options, Token));

        Assert.Equal(400, failure.Status);
        Assert.Contains("tools", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_LongerThanTheContext_Is400WithBothNumbers()
    {
        var failure = await Assert.ThrowsAsync<ClientResultException>(() => Chat.CompleteChatAsync(Question, Greedy(9000), Token));

        Assert.Equal(400, failure.Status);
        Assert.Contains("9000", failure.Message, StringComparison.Ordinal);
        Assert.Contains("4096", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_StreamLeft_EndsTheGeneration()
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in Chat.CompleteChatStreamingAsync(Question, Greedy(3000), leaving.Token))
            {
                if (update.ContentUpdate.Count > 0)
                {
                    await leaving.CancelAsync();
                }
            }
        });

        await shared.Server.WaitUntilIdleAsync();
        Assert.Equal(1, shared.Server.Metrics("vllm:request_success_total", "\"abort\""));
    }

    [Fact]
    public async Task Models_AreListed() =>
        Assert.Equal([CoordinatorServer.Model], (await shared.Server.Client("any").GetOpenAIModelClient().GetModelsAsync(Token)).Value.Select(model => model.Id));

    [Fact]
    public async Task Completion_IsWhatRunPrints()
    {
        var run = await CommandLineRun.Succeeding("run", "--model", Fixtures.TinyMixtral, "--stages", "1", "--threads", "1", "--prompt", "ROMEO:\n", "-n", "20", "--temperature", "0", "--json");

        using var answer = await shared.Server.PostAsync("/v1/completions", new { prompt = "ROMEO:\n", max_tokens = 20, temperature = 0 });

        Assert.Equal(run.Texts[0], answer.RootElement.GetProperty("choices")[0].GetProperty("text").GetString());
    }

    [Fact]
    public async Task Completions_ManyAtOnce_AreWhatEachIsAlone()
    {
        object Body(int index) => new { prompt = new[] { 1, 5 + index, 9 + (3 * index), 40 }, max_tokens = 8 + index, temperature = 0.8, seed = index, top_p = 0.9, stop = "\n\n" };
        List<string> alone = [];
        for (var index = 0; index < 12; index++)
        {
            using var answer = await shared.Server.PostAsync("/v1/completions", Body(index));
            alone.Add(TextOf(answer));
        }

        var together = await Task.WhenAll(Enumerable.Range(0, 12).Select(async index =>
        {
            using var answer = await shared.Server.PostAsync("/v1/completions", Body(index));
            return TextOf(answer);
        }));

        Assert.Equal(alone, together);
    }

    private static ChatCompletionOptions Greedy(int tokens) => new() { MaxOutputTokenCount = tokens, Temperature = 0 };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string TextOf(JsonDocument answer) => answer.RootElement.GetProperty("choices")[0].GetProperty("text").GetString()!;
}
