using Pipeline.Coordinator.Generation;
using Pipeline.Coordinator.Serving.Requests;

namespace Pipeline.Coordinator.Serving.Answers;

/// <summary>Makes jobs of checked requests.</summary>
internal sealed class AnswerJobs(ServedModel model, RandomIds ids, TimeProvider timeProvider)
{
    private readonly TokenTexts _texts = new(model.Tokenizer);

    /// <summary>The answers to one prompt stand side by side, as clients expect: choice p * n + i is answer i to prompt p.</summary>
    public AnswerJob Of(CompletionRequest request)
    {
        var options = request.Options;
        var prompts = request.Prompts.SelectMany(prompt => Enumerable.Repeat(prompt, options.Choices)).ToList();
        List<string> echoes = request.Echo ? [.. prompts.Select(prompt => prompt.Text ?? model.RequireTokenizer("echo", "leave it out").Decode(prompt.Tokens))] : [];
        return Of(
            options,
            [.. prompts.Select((prompt, index) => Request(prompt.Tokens, request.MaxTokens, options, index) with { ContinuesText = true })],
            new CompletionFormat(Header("cmpl-", options), _texts, options.Sampling.Logprobs is not null, echoes),
            request.Prompts.Sum(prompt => prompt.Tokens.Count));
    }

    public AnswerJob Of(ChatRequest request)
    {
        var options = request.Options;
        return Of(
            options,
            [.. Enumerable.Range(0, options.Choices).Select(index => Request(request.Prompt, request.MaxTokens, options, index))],
            new ChatAnswerFormat(Header("chatcmpl-", options), _texts, options.Sampling.Logprobs is not null),
            request.Prompt.Count);
    }

    private static AnswerJob Of(AnswerOptions options, IReadOnlyList<GenerationRequest> requests, IAnswerFormat format, int promptTokens) => new()
    {
        Requests = requests,
        Format = format,
        PromptTokens = promptTokens,
        AnswersPerPrompt = options.Choices,
        Stream = options.Stream,
        IncludeUsage = options.IncludeUsage,
    };

    /// <summary>With a seed, answer i draws with seed + i, so that answers differ and all of them can be had again.</summary>
    private GenerationRequest Request(IReadOnlyList<int> prompt, int? maxTokens, AnswerOptions options, int index) => new()
    {
        Prompt = prompt,
        MaxTokens = maxTokens,
        Sampling = options.Sampling with { Seed = options.HasSeed ? unchecked(options.Sampling.Seed + (ulong)index) : ids.Seed() },
        StopStrings = options.StopStrings,
        IncludeStopString = options.IncludeStopString,
        IgnoreEos = options.IgnoreEos,
        Priority = options.Priority,
    };

    private AnswerHeader Header(string prefix, AnswerOptions options) => new(ids.Next(prefix), timeProvider.GetUtcNow().ToUnixTimeSeconds(), options.Model);
}
