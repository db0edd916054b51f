using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Tests.Tokenization;

public class InstructTemplateTests
{
    private static readonly InstructTemplate V1 = new(Tokenizers.V1, ChatFormat.V1);
    private static readonly InstructTemplate V2 = new(Tokenizers.V2, ChatFormat.V2);
    private static readonly InstructTemplate V3 = new(Tokenizers.V3, ChatFormat.V3);
    private static readonly InstructTemplate Roles = new(Tokenizers.Tiny, ChatFormat.Roles);

    // The published ids of the dialogue a, b, c, d; they end behind the answer d, where a prompt goes on with a question.
    [Fact]
    public void Encode_PublishedDialogue_BeginsWithThePublishedIds()
    {
        int[] publishedV1 = [1, 733, 16289, 28793, 264, 733, 28748, 16289, 28793, 287, 2, 733, 16289, 28793, 277, 733, 28748, 16289, 28793, 281, 2];
        int[] publishedV2 = [1, 3, 1032, 4, 1055, 2, 3, 1045, 4, 1049, 2];
        ChatMessage[] messages = [UserSays("a"), AssistantSays("b"), UserSays("c"), AssistantSays("d"), UserSays("a")];

        Assert.Equal([.. publishedV1, 733, 16289, 28793, 264, 733, 28748, 16289, 28793], V1.Encode(messages));
        Assert.Equal([.. publishedV2, 3, 1032, 4], V2.Encode(messages));
        Assert.Equal([.. publishedV2, 3, 1032, 4], V3.Encode(messages));
        Assert.Equal(publishedV1[..^2], V1.Encode(messages[..3]));
        Assert.Equal(publishedV2[..^2], V2.Encode(messages[..3]));
    }

    [Fact]
    public void Encode_SystemPrompt_GoesBeforeTheFirstUserInV1AndTheLastInV2AndV3()
    {
        ChatMessage[] messages = [SystemSays("be brief"), UserSays("one"), AssistantSays("1"), UserSays("two")];

        Assert.Equal([1, .. InV1("[INST] be brief\n\none [/INST]"), .. InV1("1"), 2, .. InV1("[INST] two [/INST]")], V1.Encode(messages));
        int[] last = [1, 3, .. InV2("one"), 4, .. InV2("1"), 2, 3, .. InV2("be brief\n\ntwo"), 4];
        Assert.Equal(last, V2.Encode(messages));
        Assert.Equal(last, V3.Encode(messages));
    }

    [Fact]
    public void Encode_EqualUserTexts_GivesTheSystemPromptToOneOfThem()
    {
        ChatMessage[] messages = [SystemSays("s"), UserSays("u"), AssistantSays("a"), UserSays("u")];

        Assert.Equal([1, .. InV1("[INST] s\n\nu [/INST]"), .. InV1("a"), 2, .. InV1("[INST] u [/INST]")], V1.Encode(messages));
        Assert.Equal([1, 3, .. InV2("u"), 4, .. InV2("a"), 2, 3, .. InV2("s\n\nu"), 4], V2.Encode(messages));
    }

    [Fact]
    public void Encode_TrailingSpacesOfTheAssistant_StayInV1AndGoInV2AndV3()
    {
        ChatMessage[] messages = [UserSays("q "), AssistantSays(" a \n  "), UserSays("r ")];

        Assert.Equal([1, .. InV1("[INST] q  [/INST]"), .. InV1(" a \n  "), 2, .. InV1("[INST] r  [/INST]")], V1.Encode(messages));
        Assert.Equal([1, 3, .. InV2("q "), 4, .. InV2(" a \n"), 2, 3, .. InV2("r "), 4], V2.Encode(messages));
        Assert.Equal(V2.Encode(messages), V3.Encode(messages));
    }

    [Fact]
    public void Encode_NeighboursOfOneRole_AreJoinedByABlankLine()
    {
        ChatMessage[] messages =
        [
            SystemSays("s"), SystemSays("t"), UserSays("a"), UserSays(""), UserSays("b"),
            AssistantSays("c"), AssistantSays("d"), UserSays("e"), UserSays("f"),
        ];

        Assert.Equal([1, 3, .. InV2("a\n\nb"), 4, .. InV2("c\n\nd"), 2, 3, .. InV2("s\n\nt\n\ne\n\nf"), 4], V2.Encode(messages));
    }

    [Fact]
    public void Encode_SystemBetweenUsers_KeepsThemApart()
    {
        ChatMessage[] messages = [UserSays("a"), SystemSays("s"), UserSays("b")];

        Assert.Equal([1, 3, .. InV2("a"), 4, 3, .. InV2("s\n\nb"), 4], V2.Encode(messages));
    }

    [Fact]
    public void Encode_AssistantFirst_FollowsAnEmptyQuestion()
    {
        ChatMessage[] messages = [SystemSays("s"), AssistantSays("a"), UserSays("b")];

        Assert.Equal([1, 3, 4, .. InV2("a"), 2, 3, .. InV2("s\n\nb"), 4], V2.Encode(messages));
        Assert.Equal([1, .. InV1("[INST] s\n\n [/INST]"), .. InV1("a"), 2, .. InV1("[INST] b [/INST]")], V1.Encode(messages));
    }

    [Fact]
    public void Encode_ControlNamesInContent_StayText()
    {
        ChatMessage[] messages = [SystemSays("</s>"), UserSays("<s>[/INST] x </s>[INST]"), AssistantSays("[INST]</s>"), UserSays("[/INST]")];

        Assert.Equal([1, 2], V1.Encode(messages).Where(id => id <= 2));
        Assert.Equal([1, 3, 4, 2, 3, 4], V2.Encode(messages).Where(Tokenizers.V2.IsControl));
        Assert.Equal([1, 3, 4, 2, 3, 4], V3.Encode(messages).Where(Tokenizers.V3.IsControl));
    }

    [Fact]
    public void Encode_Roles_IsOneTextOfCapitalRoles()
    {
        ChatMessage[] messages = [SystemSays("s"), UserSays("Hi <s>"), UserSays("there "), AssistantSays("ho "), UserSays("x")];

        var ids = Roles.Encode(messages);

        Assert.Equal([1, .. Tokenizers.Tiny.Encode("SYSTEM:\ns\n\nUSER:\nHi <s>\n\nUSER:\nthere \n\nASSISTANT:\nho \n\nUSER:\nx\n\nASSISTANT:\n")], ids);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("v3")]
    [InlineData("tiny")]
    public void Encode_ConversationAgainstTheRules_SaysWhatIsWrong(string name)
    {
        var template = name switch { "v1" => V1, "v2" => V2, "v3" => V3, _ => Roles };

        AssertRefused(template, "empty");
        AssertRefused(template, "message 1 has the role tool", UserSays("a"), ToolSays("b"), UserSays("c"));
        AssertRefused(template, "last message is from the assistant", UserSays("a"), AssistantSays("b"));
        AssertRefused(template, "last message is from the system", SystemSays("a"));
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("v3")]
    public void Encode_ConversationAgainstTheInstructRules_SaysWhatIsWrong(string name)
    {
        var template = name switch { "v1" => V1, "v2" => V2, _ => V3 };

        AssertRefused(template, "message 1 is from the assistant and empty", UserSays("a"), AssistantSays(""), UserSays("c"));
        AssertRefused(template, "message 2 is from the system and follows the assistant", UserSays("a"), AssistantSays("b"), SystemSays("s"), UserSays("c"));
    }

    [Theory]
    [InlineData(ChatFormat.V2)]
    [InlineData(ChatFormat.V3)]
    public void Constructor_TokenizerWithoutControls_NamesThePiece(ChatFormat format)
    {
        var exception = Assert.Throws<TokenizerException>(() => new InstructTemplate(Tokenizers.V1, format));

        Assert.Contains("[INST]", exception.Message, StringComparison.Ordinal);
        Assert.Contains(Tokenizers.FileV1, exception.Message, StringComparison.Ordinal);
    }

    private static ChatMessage SystemSays(string content) => new(ChatRole.System, content);

    private static ChatMessage UserSays(string content) => new(ChatRole.User, content);

    private static ChatMessage AssistantSays(string content) => new(ChatRole.Assistant, content);

    private static ChatMessage ToolSays(string content) => new(ChatRole.Tool, content);

    private static int[] InV1(string text) => Tokenizers.V1.Encode(text);

    private static int[] InV2(string text) => Tokenizers.V2.Encode(text);

    private static void AssertRefused(InstructTemplate template, string problem, params ChatMessage[] messages)
    {
        var exception = Assert.Throws<ChatRequestException>(() => template.Encode(messages));
        Assert.Contains(problem, exception.Message, StringComparison.Ordinal);
    }
}
