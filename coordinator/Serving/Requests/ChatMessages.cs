using System.Text.Json;
using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>Reads the messages of a conversation. Their order is a matter of the chat format, which checks it.</summary>
internal static class ChatMessages
{
    private static readonly Dictionary<string, ChatRole> Roles = new()
    {
        ["system"] = ChatRole.System,
        ["developer"] = ChatRole.System,
        ["user"] = ChatRole.User,
        ["assistant"] = ChatRole.Assistant,
        ["tool"] = ChatRole.Tool,
        ["function"] = ChatRole.Tool,
    };

    private static readonly string[] CallFields = ["tool_calls", "function_call"];

    public static IReadOnlyList<ChatMessage> Read(RequestFields fields)
    {
        fields.Required("messages", "a list of messages");
        return [.. fields.List("messages", "a list of messages")!.Select((item, index) => Message(RequestFields.Of(item, $"messages[{index}]")))];
    }

    private static ChatMessage Message(RequestFields message)
    {
        var role = message.Required("role", "a role");
        if (role.ValueKind != JsonValueKind.String || !Roles.TryGetValue(role.GetString()!, out var known))
        {
            throw RequestFields.Wrong(message.PathOf("role"), role, "one of system, developer, user, assistant");
        }

        RefuseCalls(message);
        return new ChatMessage(known, Content(message));
    }

    private static void RefuseCalls(RequestFields message)
    {
        // A list without calls is how some clients say that there are none.
        var calls = Array.Find(CallFields, name => message.Element(name) is { } value && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0));
        if (calls is not null)
        {
            throw ApiException.Invalid(message.PathOf(calls), $"{message.PathOf(calls)} is not supported by this server; conversations are text only");
        }
    }

    private static string Content(RequestFields message)
    {
        const string Wanted = "a string or a list of text parts";
        var content = message.Required("content", Wanted);
        return content.ValueKind switch
        {
            JsonValueKind.String => content.GetString()!,
            JsonValueKind.Array => string.Concat(content.EnumerateArray().Select((part, index) => Part(RequestFields.Of(part, $"{message.PathOf("content")}[{index}]")))),
            _ => throw RequestFields.Wrong(message.PathOf("content"), content, Wanted),
        };
    }

    private static string Part(RequestFields part)
    {
        var type = part.Required("type", "the type of the part");
        if (type.ValueKind != JsonValueKind.String || type.GetString() != "text")
        {
            throw RequestFields.Wrong(part.PathOf("type"), type, "\"text\" (this server takes no other parts)");
        }

        part.Required("text", "a string");
        return part.Text("text")!;
    }
}
