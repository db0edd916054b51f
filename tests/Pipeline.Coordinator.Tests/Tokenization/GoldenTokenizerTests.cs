using System.Text.Json;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Tokenization;

public class GoldenTokenizerTests
{
    public static TheoryData<string, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int>();
            foreach (var tokenizer in Golden.EnumerateObject())
            {
                for (var i = 0; i < tokenizer.Value.GetProperty("cases").GetArrayLength(); i++)
                {
                    cases.Add(tokenizer.Name, i);
                }
            }

            return cases;
        }
    }

    private static JsonElement Golden { get; } =
        JsonDocument.Parse(File.ReadAllText(Fixtures.At("tokenizer.golden.json"))).RootElement;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Encode_GoldenText_GivesGoldenIds(string tokenizer, int index)
    {
        var (text, ids, _) = Case(tokenizer, index);

        Assert.Equal(ids, Tokenizers.Named(tokenizer).Encode(text));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Decode_GoldenIds_GivesGoldenText(string tokenizer, int index)
    {
        var (_, ids, decoded) = Case(tokenizer, index);

        Assert.Equal(decoded, Tokenizers.Named(tokenizer).Decode(ids));
    }

    [Theory]
    [MemberData(nameof(Tokenizers.Names), MemberType = typeof(Tokenizers))]
    public void VocabularySize_GoldenTokenizer_IsAsRecorded(string tokenizer) => Assert.Equal(
        Golden.GetProperty(tokenizer).GetProperty("vocab_size").GetInt32(),
        Tokenizers.Named(tokenizer).VocabularySize);

    private static (string Text, int[] Ids, string Decoded) Case(string tokenizer, int index)
    {
        var golden = Golden.GetProperty(tokenizer).GetProperty("cases")[index];
        return (
            golden.GetProperty("text").GetString()!,
            [.. golden.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())],
            golden.GetProperty("decoded").GetString()!);
    }
}
