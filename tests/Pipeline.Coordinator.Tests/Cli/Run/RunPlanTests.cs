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

    public void Dispose() => _folder.Dispose();

    private SentencePieceTokenizer? TokenizerOf(bool isNeeded)
    {
        Assert.True(KnownModels.TryGet("mistral-7b-v0.1", out var config));
        return RunPlan.TokenizerOf(new LocatedModel(config, _folder.Path, []), isNeeded);
    }
}
