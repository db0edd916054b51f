namespace Pipeline.Coordinator.Tokenization;

/// <summary>
/// A conversation in the normal form that the <c>[INST]</c> formats expect: one system prompt apart, then turns that
/// begin and end with the user.
/// </summary>
internal sealed record Conversation(string SystemPrompt, IReadOnlyList<ChatMessage> Turns)
{
    private const string BlankLine = "\n\n";

    /// <summary>
    /// Joins all system messages, and neighbouring messages of one role, by blank lines. A system message between two of
    /// the user's keeps them apart, as in Mistral's own tokenizer.
    /// </summary>
    public static Conversation From(IReadOnlyList<ChatMessage> messages)
    {
        CheckInstructRules(messages);
        var system = Join(messages.Where(message => message.Role == ChatRole.System));
        var turns = MergeNeighbours(messages).Where(message => message.Role != ChatRole.System).ToList();
        if (turns[0].Role != ChatRole.User)
        {
            turns.Insert(0, new ChatMessage(ChatRole.User, ""));
        }

        return new Conversation(system, turns);
    }

    /// <summary>The turns with the system prompt put before the text of one of the user's turns.</summary>
    public IEnumerable<ChatMessage> WithSystemPromptIn(Func<IEnumerable<ChatMessage>, ChatMessage> choose)
    {
        var host = choose(Turns.Where(turn => turn.Role == ChatRole.User));
        return Turns.Select(turn => ReferenceEquals(turn, host) && SystemPrompt.Length > 0
            ? turn with { Content = SystemPrompt + BlankLine + turn.Content }
            : turn);
    }

    /// <summary>The rules of every format.</summary>
    public static void CheckRules(IReadOnlyList<ChatMessage> messages)
    {
        if (messages.Count == 0)
        {
            throw new ChatRequestException("the conversation is empty; it needs at least one message from the user");
        }

        var tool = messages.Select(message => message.Role).ToList().IndexOf(ChatRole.Tool);
        if (tool >= 0)
        {
            throw new ChatRequestException($"message {tool} has the role tool; tools are not supported, only system, user and assistant");
        }

        if (messages[^1].Role != ChatRole.User)
        {
            throw new ChatRequestException($"the last message is from the {Name(messages[^1].Role)}; it must be from the user, for the assistant to answer");
        }
    }

    private static void CheckInstructRules(IReadOnlyList<ChatMessage> messages)
    {
        for (var i = 0; i < messages.Count; i++)
        {
            var role = messages[i].Role;
            if (role == ChatRole.Assistant && messages[i].Content.Length == 0)
            {
                throw new ChatRequestException($"message {i} is from the assistant and empty; it must have content");
            }

            if (i > 0 && role == ChatRole.System && messages[i - 1].Role == ChatRole.Assistant)
            {
                throw new ChatRequestException($"message {i} is from the system and follows the assistant; only the user may follow the assistant");
            }
        }
    }

    private static IEnumerable<ChatMessage> MergeNeighbours(IReadOnlyList<ChatMessage> messages)
    {
        for (var start = 0; start < messages.Count;)
        {
            var role = messages[start].Role;
            var run = messages.Skip(start).TakeWhile(message => message.Role == role).ToList();
            yield return new ChatMessage(role, Join(run));
            start += run.Count;
        }
    }

    private static string Join(IEnumerable<ChatMessage> messages) =>
        string.Join(BlankLine, messages.Select(message => message.Content).Where(content => content.Length > 0));

    private static string Name(ChatRole role) => role.ToString().ToLowerInvariant();
}
