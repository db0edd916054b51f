using System.Text;
using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>Reads requests to <c>/v1/chat/completions</c>.</summary>
internal static class ChatRequestReader
{
    public static ChatRequest Read(RequestFields fields, ServedModel model)
    {
        var options = AnswerOptionsReader.Read(fields, model, Logprobs(fields));
        foreach (var name in new[] { "echo", "add_special_tokens" })
        {
            if (fields.Flag(name) ?? false)
            {
                throw ApiException.Invalid(name, $"{name} is not supported by this server in a chat; leave it out");
            }
        }

        // The newer name wins, as with those who gave it.
        var field = fields.Element("max_completion_tokens") is null ? "max_tokens" : "max_completion_tokens";
        var maxTokens = fields.Integer(field, 1, AnswerOptionsReader.MostTokens);
        MinTokens.Check(options.Sampling.MinTokens, maxTokens, field);
        var messages = ChatMessages.Read(fields);
        var template = model.RequireChatTemplate();
        // A format may drop spaces at the end of a message, and puts more between messages than it drops elsewhere.
        PromptLength.CheckText(messages.Sum(message => (long)Encoding.UTF8.GetByteCount(message.Content.AsSpan().TrimEnd(' '))), "messages", model);
        var prompt = template.Encode(messages);
        PromptLength.CheckTokens(prompt.Length, "messages", model);
        return new ChatRequest(prompt, maxTokens, options);
    }

    private static int? Logprobs(RequestFields fields)
    {
        var top = fields.Integer("top_logprobs", 0, AnswerOptionsReader.MostLogprobs);
        if (fields.Flag("logprobs") ?? false)
        {
            return top ?? 0;
        }

        return top is null or 0 ? null : throw ApiException.Invalid("top_logprobs", $"top_logprobs is {top}, but logprobs is not true; send logprobs: true with it");
    }
}
