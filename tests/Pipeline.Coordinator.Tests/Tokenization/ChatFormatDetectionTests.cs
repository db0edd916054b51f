using Pipeline.Coordinator.Tokenization;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Tokenization;

public sealed class ChatFormatDetectionTests : IDisposable
{
    private const string InstTemplate = "{{ bos_token }}{{ '[INST] ' + message['content'] | upper + ' [/INST]' }}";
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Detect_TinyModel_IsRoles() =>
        Assert.Equal(ChatFormat.Roles, ChatFormatDetection.Detect(Tokenizers.Tiny, Fixtures.TinyMixtral));

    [Fact]
    public void Detect_NoTemplate_FollowsTheTokenizer()
    {
        Assert.Equal(ChatFormat.V1, ChatFormatDetection.Detect(Tokenizers.V1, _folder.Path));
        Assert.Equal(ChatFormat.V2, ChatFormatDetection.Detect(Tokenizers.V2, _folder.Path));
        Assert.Equal(ChatFormat.V3, ChatFormatDetection.Detect(Tokenizers.V3, _folder.Path));
    }

    [Fact]
    public void Detect_ControlPieces_OutweighTheTemplate()
    {
        WriteConfig("\"{{ message['role'] | upper }}\"");

        Assert.Equal(ChatFormat.V3, ChatFormatDetection.Detect(Tokenizers.V3, _folder.Path));
    }

    [Theory]
    [InlineData("\"" + InstTemplate + "\"")]
    [InlineData("[{\"name\": \"default\", \"template\": \"" + InstTemplate + "\"}]")]
    public void Detect_TemplateWithInst_IsV1(string template)
    {
        WriteConfig(template);

        Assert.Equal(ChatFormat.V1, ChatFormatDetection.Detect(Tokenizers.Tiny, _folder.Path));
    }

    /// <summary>A model tuned to another format keeps the tokenizer that it began with, which tells nothing then.</summary>
    [Theory]
    [InlineData("{{ '<|im_start|>' + message['role'] }}")]
    [InlineData("{{ '<|user|>' + message['content'] + eos_token }}")]
    public void Detect_TemplateOfAnotherFormat_IsNotTakenForTheTokenizersOwn(string template)
    {
        WriteConfig($"\"{template}\"");

        var exception = Assert.Throws<TokenizerException>(() => ChatFormatDetection.Detect(Tokenizers.V1, _folder.Path));

        Assert.Contains("choose one of v1", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Detect_TemplateInItsOwnFile_IsRead()
    {
        _folder.Write("chat_template.jinja", "{{ message['role'] | upper }}");

        Assert.Equal(ChatFormat.Roles, ChatFormatDetection.Detect(Tokenizers.V1, _folder.Path));
    }

    [Fact]
    public void Detect_NothingTells_NamesTheChoices()
    {
        _folder.Write("tokenizer_config.json", "{}");

        var exception = Assert.Throws<TokenizerException>(() => ChatFormatDetection.Detect(Tokenizers.Tiny, _folder.Path));

        Assert.Contains(_folder.Path, exception.Message, StringComparison.Ordinal);
        Assert.Contains("v1, v2, v3, roles", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Detect_VocabularyOfV7_IsRefusedByName()
    {
        var tokenizer = new ModelFile { Own = [new("[INST]", 0, PieceKind.Control), new("[SYSTEM_PROMPT]", 0, PieceKind.Control)] }.Load();

        var exception = Assert.Throws<TokenizerException>(() => ChatFormatDetection.Detect(tokenizer, _folder.Path));

        Assert.Contains("V7", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"chat_template\": ")]
    [InlineData("[]")]
    [InlineData("{\"chat_template\": [{\"name\": \"default\"}]}")]
    public void Detect_DamagedConfig_NamesTheFile(string config)
    {
        var path = _folder.Write("tokenizer_config.json", config);

        var exception = Assert.Throws<TokenizerException>(() => ChatFormatDetection.Detect(Tokenizers.Tiny, _folder.Path));

        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private void WriteConfig(string template) => _folder.Write("tokenizer_config.json", $"{{\"chat_template\": {template}}}");
}
