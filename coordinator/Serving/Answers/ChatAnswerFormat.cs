using System.Text.Json;
using Pipeline.Coordinator.Serving.OpenAI;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Serving.Answers;

/// <summary>The form of <c>/v1/chat/completions</c>.</summary>
internal sealed class ChatAnswerFormat(AnswerHeader header, TokenTexts texts, bool tellsLogprobs) : IAnswerFormat
{
    private const string Role = "assistant";

    public byte[]? Opening(int choice) => Chunk([new ChatChunkChoice(choice, new ChatDelta { Role = Role, Content = "" }, null, null)], null);

    public byte[] Part(AnswerPart part) => Chunk([new ChatChunkChoice(part.Choice, new ChatDelta { Content = part.Text }, Logprobs(part), null)], null);

    public byte[] Ending(int choice, FinishReason reason) => Chunk([new ChatChunkChoice(choice, new ChatDelta(), null, FinishReasonNames.Of(reason))], null);

    public byte[] UsageFrame(Usage usage) => Chunk([], usage);

    public byte[] Whole(IReadOnlyList<AnswerPart> answers, Usage usage) => JsonSerializer.SerializeToUtf8Bytes(
        new ChatAnswer { Id = header.Id, Created = header.Created, Model = header.Model, Choices = [.. answers.Select(Whole)], Usage = usage }, WireJson.Plain.ChatAnswer);

    private ChatChoice Whole(AnswerPart answer) =>
        new(answer.Choice, new AssistantMessage(Role, answer.Text, null), Logprobs(answer), answer.FinishReason is { } reason ? FinishReasonNames.Of(reason) : null);

    private ChatLogprobs? Logprobs(AnswerPart part) => tellsLogprobs ? new ChatLogprobs([.. part.Tokens.Select(Logprob)]) : null;

    private ChatTokenLogprob Logprob(SampledToken token) => new(
        texts.TextOf(token.Token),
        token.Logprob ?? 0,
        texts.BytesOf(token.Token),
        [.. token.Top.Select(top => new ChatTopLogprob(texts.TextOf(top.Token), top.Logprob, texts.BytesOf(top.Token)))]);

    private byte[] Chunk(IReadOnlyList<ChatChunkChoice> choices, Usage? usage) => JsonSerializer.SerializeToUtf8Bytes(
        new ChatChunk { Id = header.Id, Created = header.Created, Model = header.Model, Choices = choices, Usage = usage }, WireJson.Plain.ChatChunk);
}
