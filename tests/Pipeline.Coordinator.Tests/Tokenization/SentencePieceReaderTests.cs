using Pipeline.Coordinator.Tokenization;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Tokenization;

public class SentencePieceReaderTests
{
    public static TheoryData<string> Refused => [.. RefusedFiles.Keys];

    private static Dictionary<string, (ModelFile File, string Problem)> RefusedFiles { get; } = new()
    {
        ["unigram model"] = (new ModelFile { ModelType = 1 }, "model type 1; only 2 (BPE)"),
        ["space behind the word"] = (new ModelFile { SpaceAsSuffix = true }, "treat_whitespace_as_suffix"),
        ["normalization rules"] = (new ModelFile { NormalizerRules = "x" }, "only 'identity'"),
        ["extra spaces removed"] = (new ModelFile { RemoveExtraSpaces = true }, "extra spaces"),
        ["spaces not escaped"] = (new ModelFile { EscapeSpaces = false }, "unescaped"),
        ["no trainer settings"] = (new ModelFile { WithTrainer = false }, "259 pieces but no trainer"),
        ["no normalizer settings"] = (new ModelFile { WithNormalizer = false }, "259 pieces but no trainer or normalizer"),
        ["bytes missing"] = (new ModelFile { ByteCount = 255 }, "255 byte pieces"),
        ["no BOS"] = (new ModelFile { Special = [new("<unk>", 0, PieceKind.Unknown), new("</s>", 0, PieceKind.Control)] }, "no control piece <s>"),
        ["no unknown"] = (new ModelFile { Special = [new("<s>", 0, PieceKind.Control), new("</s>", 0, PieceKind.Control)] }, "0 pieces of kind unknown"),
        ["duplicate piece"] = (new ModelFile { Own = ModelFile.Normal("ab", "ab") }, "piece 260"),
        ["duplicate byte"] = (new ModelFile { Own = [new("<0x41>", 0, PieceKind.Byte)] }, "piece 259"),
        ["malformed byte"] = (new ModelFile { Own = [new("<0xZZ>", 0, PieceKind.Byte)] }, "piece 259"),
        ["empty piece"] = (new ModelFile { Own = ModelFile.Normal("") }, "piece 259"),
        ["unused piece"] = (new ModelFile { Own = [new("ab", 0, PieceKind.Unused)] }, "kind Unused"),
        ["kind from the future"] = (new ModelFile { Own = [new("ab", 0, (PieceKind)9)] }, "kind 9"),
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Load_FileNotSupported_NamesFileAndProblem(string name)
    {
        var (file, problem) = RefusedFiles[name];

        var exception = Assert.Throws<TokenizerException>(() => file.Load());

        Assert.Contains("tokenizer.model", exception.Message, StringComparison.Ordinal);
        Assert.Contains(problem, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_RealFileCutAnywhere_ThrowsTokenizerException()
    {
        var whole = File.ReadAllBytes(Path.Combine(Fixtures.TinyMixtral, "tokenizer.model"));
        using var folder = new TemporaryFolder();
        var random = new Random(6);
        int[] lengths = [1, whole.Length - 1, .. Enumerable.Range(0, 300).Select(_ => random.Next(1, whole.Length))];
        foreach (var length in lengths)
        {
            var path = folder.Write("cut.model", whole[..length]);
            var exception = Assert.Throws<TokenizerException>(() => SentencePieceTokenizer.Load(path));
            Assert.Contains(path, exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Load_RealFileWithBytesChanged_LoadsOrThrowsTokenizerException()
    {
        var whole = File.ReadAllBytes(Path.Combine(Fixtures.TinyMixtral, "tokenizer.model"));
        using var folder = new TemporaryFolder();
        var random = new Random(7);
        for (var i = 0; i < 300; i++)
        {
            var damaged = whole.ToArray();
            damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            var path = folder.Write("damaged.model", damaged);
            Assert.True(Record.Exception(() => SentencePieceTokenizer.Load(path)) is null or TokenizerException);
        }
    }

    [Fact]
    public void Encode_UserDefinedPieces_TakesTheLongestAndMergesItWithNothing()
    {
        var tokenizer = new ModelFile
        {
            Own =
            [
                .. ModelFile.Normal("xa", "bx", "cx", "xab", "x", "a", "b", "c"),
                new("ab", 0, PieceKind.UserDefined),
                new("abc", 0, PieceKind.UserDefined),
            ],
            AddDummyPrefix = false,
        }.Load();

        Assert.Equal(["x", "abc", "x", "ab", "x"], tokenizer.Encode("xabcxabx").Select(tokenizer.PieceOf));
        Assert.Equal(["xa", "c"], tokenizer.Encode("xac").Select(tokenizer.PieceOf));
    }

    [Fact]
    public void Encode_ControlPieceWithinReachOfAMerge_StaysApart()
    {
        var tokenizer = new ModelFile
        {
            Own = [.. ModelFile.Normal("a", "b"), new("ab", 1, PieceKind.Control), new("c", 1, PieceKind.Control)],
            AddDummyPrefix = false,
        }.Load();

        Assert.Equal(["a", "b", "<0x63>"], tokenizer.Encode("abc").Select(tokenizer.PieceOf));
    }

    [Fact]
    public void Encode_EqualScores_MergesTheLeftmostPair()
    {
        var tokenizer = new ModelFile { Own = ModelFile.Normal("aa", "a"), AddDummyPrefix = false }.Load();

        Assert.Equal(["aa", "aa", "a"], tokenizer.Encode("aaaaa").Select(tokenizer.PieceOf));
    }

    [Fact]
    public void Encode_WithoutDummyPrefix_AddsAndDropsNoSpace()
    {
        var tokenizer = new ModelFile { Own = ModelFile.Normal("▁a", "▁", "a"), AddDummyPrefix = false }.Load();

        Assert.Equal(["a", "▁a"], tokenizer.Encode("a a").Select(tokenizer.PieceOf));
        Assert.Equal(" a", tokenizer.Decode([ModelFile.FirstOwnId]));
    }

    [Fact]
    public void Decode_Unknown_GivesTheSurfaceOfTheFile() =>
        Assert.Equal("?", new ModelFile { UnknownSurface = "?" }.Load().Decode([0]));
}
