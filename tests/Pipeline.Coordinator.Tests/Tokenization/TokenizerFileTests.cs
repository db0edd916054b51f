using Pipeline.Coordinator.Tokenization;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Tokenization;

public sealed class TokenizerFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(Tokenizers.FileV1, TokenizerVersion.V1)]
    [InlineData(Tokenizers.FileV2, TokenizerVersion.V2)]
    [InlineData(Tokenizers.FileV3, TokenizerVersion.V3)]
    public void Load_RealFile_VersionOfNameIsVersionOfVocabulary(string name, TokenizerVersion version)
    {
        Copy(name, "tokenizer.model");

        Assert.Equal(version, SentencePieceTokenizer.Load(Tokenizers.PathOf(name)).Version);
        Assert.Equal(version, SentencePieceTokenizer.Load(_folder.Path).Version);
    }

    [Fact]
    public void Load_VocabularyWithSystemPromptPiece_IsV7()
    {
        var file = new ModelFile { Own = [new("[INST]", 0, PieceKind.Control), new("[SYSTEM_PROMPT]", 0, PieceKind.Control)] };

        Assert.Equal(TokenizerVersion.V7, file.Load().Version);
    }

    [Theory]
    [InlineData("tokenizer.model", null)]
    [InlineData("tokenizer.model.v1", TokenizerVersion.V1)]
    [InlineData("tokenizer.model.v2", TokenizerVersion.V2)]
    [InlineData("tokenizer.model.v3", TokenizerVersion.V3)]
    [InlineData("tokenizer.model.v7", TokenizerVersion.V7)]
    [InlineData("tokenizer.model.v7m1", TokenizerVersion.V7)]
    [InlineData("mistral_instruct_tokenizer_240323.model.v3", TokenizerVersion.V3)]
    public void Locate_FolderWithOneTokenizer_TakesVersionFromTheName(string name, TokenizerVersion? version)
    {
        var path = _folder.Write(name, "x");
        _folder.Write("tokenizer.json", "{}");

        Assert.Equal(new TokenizerFile(path, version), TokenizerFile.Locate(_folder.Path));
        Assert.Equal(new TokenizerFile(path, version), TokenizerFile.Locate(path));
    }

    [Fact]
    public void Locate_VersionedBesidePlain_PrefersTheVersioned()
    {
        _folder.Write("tokenizer.model", "x");
        var path = _folder.Write("tokenizer.model.v3", "x");

        Assert.Equal(new TokenizerFile(path, TokenizerVersion.V3), TokenizerFile.Locate(_folder.Path));
    }

    [Fact]
    public void Locate_SeveralVersions_AsksForTheFile() =>
        AssertRefused(Fixtures.At("tokenizers"), Tokenizers.FileV1, Tokenizers.FileV2, Tokenizers.FileV3, "name the file");

    [Theory]
    [InlineData("tekken.json")]
    [InlineData("tokenizer.json")]
    public void Locate_OnlyJson_NamesTheFileAndWhatIsSupported(string name)
    {
        var path = _folder.Write(name, "{}");

        AssertRefused(_folder.Path, path, "not a SentencePiece file", "tokenizer.model", ".v7");
        AssertRefused(path, path, "not a SentencePiece file");
    }

    [Fact]
    public void Locate_NothingThere_NamesThePath()
    {
        AssertRefused(_folder.Path, _folder.Path, "no tokenizer", "tokenizer.model");
        AssertRefused(Path.Combine(_folder.Path, "absent"), Path.Combine(_folder.Path, "absent"));
    }

    [Fact]
    public void Locate_VersionNotKnown_NamesTheVersion() =>
        AssertRefused(_folder.Write("tokenizer.model.v11", "x"), "tokenizer.model.v11", "version 11");

    [Fact]
    public void Load_EmptyFile_SaysSo() => AssertRefused(_folder.Write("tokenizer.model", ""), "tokenizer.model", "empty");

    [Fact]
    public void Load_TextInstead_SaysSo() => AssertRefused(_folder.Write("tokenizer.model", "not a tokenizer at all"), "tokenizer.model", "is damaged, cut short or no SentencePiece file");

    [Fact]
    public void Load_LargeFilePointer_SaysHowToGetTheFile() =>
        AssertRefused(_folder.Write("tokenizer.model", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), "git lfs pull");

    public void Dispose() => _folder.Dispose();

    private static void AssertRefused(string path, params string[] parts)
    {
        var exception = Assert.Throws<TokenizerException>(() => SentencePieceTokenizer.Load(path));
        Assert.All(parts, part => Assert.Contains(part, exception.Message, StringComparison.Ordinal));
    }

    private void Copy(string name, string newName) => _folder.Write(newName, File.ReadAllBytes(Tokenizers.PathOf(name)));
}
