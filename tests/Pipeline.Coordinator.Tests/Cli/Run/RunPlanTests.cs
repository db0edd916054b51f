using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Cli.Run;
using Pipeline.Coordinator.Tests.Tokenization;
using Pipeline.Coordinator.Tokenization;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Tests.Cli.Run;

public sealed class RunPlanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TokenizerOf_SettingsWithoutATokenizer_IsNone(bool isNeeded)
    {
        _folder.Write("tokenizer_config.json", "{}");
        _folder.Write("special_tokens_map.json", "{}");

        Assert.Null(TokenizerOf(isNeeded));
    }

    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("tekken.json")]
    public void TokenizerOf_UnsupportedKind_IsRefusedOnlyWhereItIsNeeded(string name)
    {
        _folder.Write(name, "{}");

        Assert.Null(TokenizerOf(isNeeded: false));
        Assert.Contains(name, Assert.Throws<TokenizerException>(() => TokenizerOf(isNeeded: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TokenizerOf_Damaged_IsRefusedInAnyCase()
    {
        _folder.Write("tokenizer.model", "not a tokenizer at all");

        var error = Assert.Throws<TokenizerException>(() => TokenizerOf(isNeeded: false));
        Assert.EndsWith("tokenizer.model is damaged, cut short or no SentencePiece file", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The other way round is common: vocabularies are padded, and tokens added that the file does not know.</summary>
    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(64, true)]
    public void TokenizerOf_MorePiecesThanTheModelKnows_IsRefused(int more, bool fits)
    {
        _folder.Write("tokenizer.model", new ModelFile().ToBytes());
        Assert.True(KnownModels.TryGet("mistral-7b-v0.1", out var config));
        var model = new LocatedModel(config with { VocabularySize = ModelFile.FirstOwnId + more }, _folder.Path, []);

        if (fits)
        {
            Assert.NotNull(RunPlan.TokenizerOf(model, isNeeded: true));
        }
        else
        {
            var error = Assert.Throws<UserErrorException>(() => RunPlan.TokenizerOf(model, isNeeded: true));
            Assert.Contains("has 259 pieces", error.Message, StringComparison.Ordinal);
            Assert.Contains("knows only 258 tokens", error.Message, StringComparison.Ordinal);
        }
    }

    public void Dispose() => _folder.Dispose();

    private SentencePieceTokenizer? TokenizerOf(bool isNeeded)
    {
        Assert.True(KnownModels.TryGet("mistral-7b-v0.1", out var config));
        return RunPlan.TokenizerOf(new LocatedModel(config, _folder.Path, []), isNeeded);
    }
}
