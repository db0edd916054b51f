using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>Reads requests to <c>/v1/completions</c>.</summary>
internal static class CompletionRequestReader
{
    private const int DefaultMaxTokens = 16;

    public static CompletionRequest Read(RequestFields fields, ServedModel model)
    {
        var logprobs = fields.Integer("logprobs", 0, AnswerOptionsReader.MostLogprobs);
        var options = AnswerOptionsReader.Read(fields, model, logprobs);
        var maxTokens = fields.Integer("max_tokens", 0, AnswerOptionsReader.MostTokens) ?? DefaultMaxTokens;
        MinTokens.Check(options.Sampling.MinTokens, maxTokens, "max_tokens");
        var echo = fields.Flag("echo") ?? false;
        if (echo && logprobs is not null)
        {
            throw ApiException.Invalid("echo", "echo is not supported by this server together with logprobs; leave out one of them");
        }

        if (fields.Element("max_completion_tokens") is not null)
        {
            throw ApiException.Invalid("max_completion_tokens", "max_completion_tokens is a field of chats; send max_tokens");
        }

        var prompts = new PromptReader(model, addBos: fields.Flag("add_special_tokens") ?? true).Read(fields.Required("prompt", PromptReader.Wanted));
        return new CompletionRequest(prompts, maxTokens, echo, options);
    }
}
