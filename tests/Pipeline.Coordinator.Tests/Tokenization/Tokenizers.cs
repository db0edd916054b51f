using Pipeline.Coordinator.Tokenization;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Tokenization;

/// <summary>The real vocabularies, read once for all tests, under the names the golden file uses.</summary>
internal static class Tokenizers
{
    public const string FileV1 = "tokenizer.model.v1";
    public const string FileV2 = "mistral_instruct_tokenizer_240216.model.v2";
    public const string FileV3 = "mistral_instruct_tokenizer_240323.model.v3";

    private static readonly Dictionary<string, Lazy<SentencePieceTokenizer>> Loaded = new()
    {
        ["tiny"] = new(() => SentencePieceTokenizer.Load(Fixtures.TinyMixtral)),
        ["v1"] = new(() => SentencePieceTokenizer.Load(PathOf(FileV1))),
        ["v2"] = new(() => SentencePieceTokenizer.Load(PathOf(FileV2))),
        ["v3"] = new(() => SentencePieceTokenizer.Load(PathOf(FileV3))),
    };

    public static TheoryData<string> Names => [.. Loaded.Keys];

    public static SentencePieceTokenizer V1 => Named("v1");

    public static SentencePieceTokenizer V2 => Named("v2");

    public static SentencePieceTokenizer V3 => Named("v3");

    public static SentencePieceTokenizer Tiny => Named("tiny");

    public static SentencePieceTokenizer Named(string name) => Loaded[name].Value;

    public static string PathOf(string fileName) => Fixtures.At("tokenizers", fileName);
}
