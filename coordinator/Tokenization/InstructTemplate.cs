using System.Globalization;
using System.Text;

namespace Pipeline.Coordinator.Tokenization;

/// <summary>
/// Lays a conversation out as the ids of a prompt. In the <c>[INST]</c> formats every message is encoded by itself and
/// control ids are put between, never written into text: a rendered string would give other ids, and a way to inject.
/// </summary>
public sealed class InstructTemplate
{
    private readonly SentencePieceTokenizer _tokenizer;
    private readonly ChatFormat _format;
    private readonly int _beginInstruction;
    private readonly int _endInstruction;

    /// <exception cref="TokenizerException">The tokenizer has no control pieces for this format.</exception>
    public InstructTemplate(SentencePieceTokenizer tokenizer, ChatFormat format)
    {
        _tokenizer = tokenizer;
        _format = format;
        if (format is ChatFormat.V2 or ChatFormat.V3)
        {
            _beginInstruction = RequiredControl("[INST]");
            _endInstruction = RequiredControl("[/INST]");
        }
    }

    public ChatFormat Format => _format;

    /// <summary>Ids of the whole prompt, BOS first; the model's answer is what follows.</summary>
    /// <exception cref="ChatRequestException">The conversation breaks a rule of the format.</exception>
    public int[] Encode(IReadOnlyList<ChatMessage> messages)
    {
        Conversation.CheckRules(messages);
        return [_tokenizer.BosId, .. _format switch
        {
            ChatFormat.V1 => Conversation.From(messages).WithSystemPromptIn(Enumerable.First).SelectMany(EncodeAsText),
            ChatFormat.V2 or ChatFormat.V3 => Conversation.From(messages).WithSystemPromptIn(Enumerable.Last).SelectMany(EncodeWithControls),
            ChatFormat.Roles => _tokenizer.Encode(RenderRoles(messages)),
            _ => throw new InvalidOperationException($"unknown chat format {_format}"),
        }];
    }

    private IEnumerable<int> EncodeAsText(ChatMessage turn) => turn.Role == ChatRole.User
        ? _tokenizer.Encode($"[INST] {turn.Content} [/INST]")
        : [.. _tokenizer.Encode(turn.Content), _tokenizer.EosId];

    private IEnumerable<int> EncodeWithControls(ChatMessage turn) => turn.Role == ChatRole.User
        ? [_beginInstruction, .. _tokenizer.Encode(turn.Content), _endInstruction]
        : [.. _tokenizer.Encode(turn.Content.TrimEnd(' ')), _tokenizer.EosId];

    private static string RenderRoles(IReadOnlyList<ChatMessage> messages)
    {
        var text = new StringBuilder();
        foreach (var message in messages)
        {
            text.Append(CultureInfo.InvariantCulture, $"{message.Role.ToString().ToUpperInvariant()}:\n{message.Content}\n\n");
        }

        return text.Append("ASSISTANT:\n").ToString();
    }

    private int RequiredControl(string name) => _tokenizer.ControlId(name)
        ?? throw new TokenizerException($"the chat format {_format} needs the control piece {name}, which the tokenizer {_tokenizer.FilePath} does not have");
}
