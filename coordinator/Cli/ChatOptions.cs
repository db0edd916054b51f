using System.CommandLine;
using System.CommandLine.Parsing;
using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Cli;

/// <summary>The options that make a chat turn of a text.</summary>
internal sealed class ChatOptions
{
    private static readonly Dictionary<string, ChatFormat> Formats = new()
    {
        ["v1"] = ChatFormat.V1,
        ["v2"] = ChatFormat.V2,
        ["v3"] = ChatFormat.V3,
        ["roles"] = ChatFormat.Roles,
    };

    private readonly Option<bool> _chat = new("--chat") { Description = "Treat each text as a user's message in the model's chat format" };
    private readonly Option<ChatFormat?> _format = FormatOption();
    private readonly Option<string?> _system = new("--system") { Description = "System prompt for --chat", HelpName = "TEXT" };

    public static Option<ChatFormat?> FormatOption() => new("--chat-format") { Description = "v1, v2, v3 or roles (default: the tokenizer's own)", HelpName = "FORMAT", CustomParser = Parsers.Word(Formats) };

    public void AddTo(Command command)
    {
        command.Add(_chat);
        command.Add(_format);
        command.Add(_system);
        command.Validators.Add(result =>
        {
            var idle = new Option[] { _system, _format }.FirstOrDefault(option => result.GetResult(option) is not null);
            if (idle is not null && result.GetResult(_chat) is null or { Implicit: true })
            {
                result.AddError($"{idle.Name} says how a chat is put; add --chat or leave it out");
            }
        });
    }

    public bool IsAsked(CommandResult result) => result.GetValue(_chat);

    /// <summary>Ids of the text as a chat turn, BOS first; null without --chat.</summary>
    /// <param name="folder">Where the tokenizer's chat template lies, if it has one.</param>
    public int[]? Encode(ParseResult parsed, SentencePieceTokenizer tokenizer, string folder, string text)
    {
        if (!parsed.GetValue(_chat))
        {
            return null;
        }

        var format = parsed.GetValue(_format) ?? ChatFormatDetection.Detect(tokenizer, folder);
        List<ChatMessage> messages = [new ChatMessage(ChatRole.User, text)];
        if (parsed.GetValue(_system) is { } system)
        {
            messages.Insert(0, new ChatMessage(ChatRole.System, system));
        }

        return new InstructTemplate(tokenizer, format).Encode(messages);
    }
}
