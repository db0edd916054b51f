using Microsoft.OpenApi;

namespace Pipeline.Coordinator.Serving.Descriptions;

/// <summary>The fields that an endpoint reads. The readers themselves check them; a test holds the two against each other.</summary>
internal sealed record RequestShape(IReadOnlyList<RequestField> Fields, IReadOnlyList<string> Required)
{
    private const JsonSchemaType TextOrList = JsonSchemaType.String | JsonSchemaType.Array;

    private static readonly OpenApiSchema Text = new() { Type = JsonSchemaType.String };
    private static readonly OpenApiSchema TokenId = new() { Type = JsonSchemaType.Integer };
    private static readonly OpenApiSchema Prompt = new() { Type = JsonSchemaType.Integer | TextOrList, Items = TokenId };
    private static readonly OpenApiSchema Message = new()
    {
        Type = JsonSchemaType.Object,
        Properties = new Dictionary<string, IOpenApiSchema> { ["role"] = Text, ["content"] = new OpenApiSchema { Type = TextOrList, Items = new OpenApiSchema { Type = JsonSchemaType.Object } } },
        Required = new HashSet<string> { "role", "content" },
    };

    private static readonly RequestField Messages = new("messages", JsonSchemaType.Array, "The conversation: objects with role (system, developer, user, assistant) and content (text, or a list of text parts).") { Items = Message };

    private static readonly RequestField BeginsText = new("add_special_tokens", JsonSchemaType.Boolean, "Begin with the token that begins a text; true if left out.");

    private static readonly RequestField Model = new("model", JsonSchemaType.String, "A name that the model is served under; the first one if left out.");

    private static readonly RequestField[] Shared =
    [
        Model,
        new("n", JsonSchemaType.Integer, "Answers to each prompt, 1 to 128."),
        new("temperature", JsonSchemaType.Number, "0 picks the most probable token; 1 if left out."),
        new("top_p", JsonSchemaType.Number, "Nucleus: keep the most probable tokens up to this mass."),
        new("top_k", JsonSchemaType.Integer, "Keep the k most probable tokens; -1 or 0 keeps all."),
        new("min_p", JsonSchemaType.Number, "Drop tokens below this share of the most probable one."),
        new("presence_penalty", JsonSchemaType.Number, "Subtracted from the logits of tokens already generated, -2 to 2."),
        new("frequency_penalty", JsonSchemaType.Number, "Subtracted for every time a token was generated, -2 to 2."),
        new("repetition_penalty", JsonSchemaType.Number, "Above 1 makes tokens of prompt and answer less likely."),
        new("logit_bias", JsonSchemaType.Object, "Token ids, and what is added to their logits, -100 to 100."),
        new("seed", JsonSchemaType.Integer, "Same seed, same text; answer i draws with seed + i."),
        new("stop", TextOrList, "The text ends before the first of these, at most 16.") { Items = Text },
        new("include_stop_str_in_output", JsonSchemaType.Boolean, "The stop string that was met is the end of the text."),
        new("stop_token_ids", JsonSchemaType.Array, "Tokens that end the answer, beside the model's own.") { Items = TokenId },
        new("ignore_eos", JsonSchemaType.Boolean, "Go on after the end of text."),
        new("min_tokens", JsonSchemaType.Integer, "No end before this many tokens."),
        new("priority", JsonSchemaType.Integer, "The smaller goes first; among equals the earlier."),
        new("stream", JsonSchemaType.Boolean, "Deliver the answer as server-sent events while it grows."),
        new("stream_options", JsonSchemaType.Object, "include_usage: true ends the stream with a frame that tells the usage."),
        new("response_format", JsonSchemaType.Object, "Nothing but type: text."),
        new("user", JsonSchemaType.String, "Not used."),
    ];

    /// <summary>The answer comes as server-sent events if that is asked for.</summary>
    public bool Streams => Fields.Any(known => known.Name == "stream");

    public static RequestShape Completion { get; } = new(
        [
            new("prompt", TextOrList, "A text, a list of texts, a list of token ids, or a list of such lists.") { Items = Prompt },
            new("max_tokens", JsonSchemaType.Integer, "Tokens to generate at most; 16 if left out, 0 only echoes."),
            new("logprobs", JsonSchemaType.Integer, "Tell log-probabilities, and this many alternatives, 0 to 20."),
            new("echo", JsonSchemaType.Boolean, "Begin the text with the prompt."),
            BeginsText,
            .. Shared,
        ],
        ["prompt"]);

    public static RequestShape Chat { get; } = new(
        [
            Messages,
            new("max_tokens", JsonSchemaType.Integer, "Tokens to generate at most; up to the end of the context if left out."),
            new("max_completion_tokens", JsonSchemaType.Integer, "The same under its newer name, which wins."),
            new("logprobs", JsonSchemaType.Boolean, "Tell log-probabilities."),
            new("top_logprobs", JsonSchemaType.Integer, "Alternatives to tell of, 0 to 20."),
            .. Shared,
        ],
        ["messages"]);

    public static RequestShape Tokenize { get; } = new(
        [
            new("prompt", JsonSchemaType.String, "A text; or send messages."),
            Messages,
            BeginsText,
            new("return_token_strs", JsonSchemaType.Boolean, "Tell the pieces of the vocabulary too."),
            Model,
        ],
        []);

    public static RequestShape Detokenize { get; } = new([new("tokens", JsonSchemaType.Array, "Token ids.") { Items = TokenId }, Model], ["tokens"]);

    public OpenApiSchema Schema() => new()
    {
        Type = JsonSchemaType.Object,
        Properties = Fields.ToDictionary(field => field.Name, IOpenApiSchema (field) => field.Schema()),
        Required = Required.ToHashSet(),
    };
}
