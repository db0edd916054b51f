using System.Text.Json;
using Pipeline.Coordinator.Serving.OpenAI;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Serving.Answers;

/// <summary>The form of <c>/v1/completions</c>.</summary>
/// <param name="echoes">Prompts that the answers begin with, by choice; empty if they do not.</param>
internal sealed class CompletionFormat(AnswerHeader header, TokenTexts texts, bool tellsLogprobs, IReadOnlyList<string> echoes) : IAnswerFormat
{
    // Where in the text the next token begins, by choice.
    private readonly Dictionary<int, int> _offsets = [];

    public byte[]? Opening(int choice) => echoes.Count > 0 ? Document([new CompletionChoice(choice, echoes[choice], null, null)], null) : null;

    public byte[] Part(AnswerPart part) => Document([new CompletionChoice(part.Choice, part.Text, Logprobs(part), null)], null);

    public byte[] Ending(int choice, FinishReason reason) => Document([new CompletionChoice(choice, "", null, FinishReasonNames.Of(reason))], null);

    public byte[] UsageFrame(Usage usage) => Document([], usage);

    public byte[] Whole(IReadOnlyList<AnswerPart> answers, Usage usage) => Document([.. answers.Select(Whole)], usage);

    private CompletionChoice Whole(AnswerPart answer)
    {
        var echo = echoes.Count > 0 ? echoes[answer.Choice] : "";
        return new CompletionChoice(answer.Choice, echo + answer.Text, Logprobs(answer), answer.FinishReason is { } reason ? FinishReasonNames.Of(reason) : null);
    }

    private CompletionLogprobs? Logprobs(AnswerPart part)
    {
        if (!tellsLogprobs)
        {
            return null;
        }

        var tokens = part.Tokens.Select(token => texts.TextOf(token.Token)).ToList();
        var offset = _offsets.GetValueOrDefault(part.Choice);
        var offsets = new List<int>(tokens.Count);
        foreach (var token in tokens)
        {
            offsets.Add(offset);
            offset += token.Length;
        }

        _offsets[part.Choice] = offset;
        return new CompletionLogprobs(offsets, [.. part.Tokens.Select(token => token.Logprob)], tokens, [.. part.Tokens.Select(Top)]);
    }

    /// <summary>
    /// By text, as this form wants it: of two tokens with one text the more probable stands for both. The token that was drawn is always
    /// there, so there may be one more than asked for.
    /// </summary>
    private Dictionary<string, float> Top(SampledToken token)
    {
        var top = new Dictionary<string, float>();
        foreach (var (id, logprob) in token.Top)
        {
            top.TryAdd(texts.TextOf(id), logprob);
        }

        if (token.Logprob is { } drawn)
        {
            top.TryAdd(texts.TextOf(token.Token), drawn);
        }

        return top;
    }

    private byte[] Document(IReadOnlyList<CompletionChoice> choices, Usage? usage) => JsonSerializer.SerializeToUtf8Bytes(
        new CompletionAnswer { Id = header.Id, Created = header.Created, Model = header.Model, Choices = choices, Usage = usage }, WireJson.Plain.CompletionAnswer);
}
