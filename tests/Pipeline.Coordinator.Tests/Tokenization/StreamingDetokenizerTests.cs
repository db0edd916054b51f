using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Tests.Tokenization;

public class StreamingDetokenizerTests
{
    // Byte piece of a value in the first vocabulary.
    private const int FirstByte = 3;

    [Theory]
    [MemberData(nameof(Tokenizers.Names), MemberType = typeof(Tokenizers))]
    public void Push_RandomIds_GivesTheTextOfTheWhole(string name)
    {
        var tokenizer = Tokenizers.Named(name);
        var random = new RandomText(4);
        for (var i = 0; i < 2000; i++)
        {
            var ids = random.Ids(tokenizer, 24);
            var expected = DecodeOracle.Decode(tokenizer, ids);
            Assert.Equal(expected, string.Concat(Stream(tokenizer, ids)));
            Assert.Equal(expected, tokenizer.Decode(ids));
        }
    }

    [Theory]
    [MemberData(nameof(Tokenizers.Names), MemberType = typeof(Tokenizers))]
    public void Push_IdsOfRandomText_NeverEmitsHalfACharacterAndHoldsNothingElseBack(string name)
    {
        var tokenizer = Tokenizers.Named(name);
        var random = new RandomText(5);
        for (var i = 0; i < 200; i++)
        {
            var ids = tokenizer.Encode(random.Phrases(20));
            var detokenizer = new StreamingDetokenizer(tokenizer);
            var emitted = "";
            for (var count = 1; count <= ids.Length; count++)
            {
                emitted += detokenizer.Push(ids[count - 1]);
                Assert.Equal(DecodeOracle.Decode(tokenizer, ids[..count]).TrimEnd('\ufffd'), emitted);
            }
        }
    }

    [Fact]
    public void Push_CharacterOfFourBytes_ComesWithItsLastByte() =>
        Assert.Equal(["", "", "", "🦙", "!", ""], Stream(Tokenizers.V1, [.. Bytes(0xF0, 0x9F, 0xA6, 0x99), Bytes((byte)'!')[0]]));

    /// <summary>Models tuned further have rows for tokens that their tokenizer's file does not know.</summary>
    [Fact]
    public void Push_IdBeyondTheFile_IsNoText()
    {
        var beyond = Tokenizers.V1.VocabularySize;
        int[] word = Tokenizers.V1.Encode("word");

        Assert.Equal("word", Tokenizers.V1.Decode([beyond, .. word, beyond + 7]));
        Assert.Equal("\ufffd", Tokenizers.V1.Decode([.. Bytes(0xF0), beyond]));
        Assert.Equal("", Tokenizers.V1.PieceOf(beyond));
    }

    [Fact]
    public void Push_BrokenCharacter_IsReplacedOnceItIsCertain()
    {
        // E2 may begin a character, E2 28 cannot; C0 and F5 never begin one; ED A0 would be half a surrogate pair.
        Assert.Equal(["", "\ufffd(", ""], Stream(Tokenizers.V1, Bytes(0xE2, 0x28)));
        Assert.Equal(["\ufffd", "\ufffd", ""], Stream(Tokenizers.V1, Bytes(0xC0, 0xF5)));
        Assert.Equal(["", "\ufffd\ufffd", ""], Stream(Tokenizers.V1, Bytes(0xED, 0xA0)));
        Assert.Equal(["", "", "\ufffd\ufffd"], Stream(Tokenizers.V1, Bytes(0xE2, 0x96)));
    }

    [Fact]
    public void Push_PieceInTheMiddleOfACharacter_EndsTheCharacter()
    {
        var hello = Tokenizers.V1.Encode("Hello")[0];

        Assert.Equal(["", "", "\ufffd\ufffd Hello", ""], Stream(Tokenizers.V1, [.. Bytes(0xE2, 0x96), hello]));
        Assert.Equal(["", "\ufffd", "\ufffd", ""], Stream(Tokenizers.V1, [Bytes(0xC3)[0], Tokenizers.V1.EosId, Bytes(0xA9)[0]]));
    }

    [Fact]
    public void Push_FirstWord_LosesTheDummySpaceOnlyOnce()
    {
        var hello = Tokenizers.V1.Encode("Hello")[0];

        Assert.Equal(["", "Hello", " Hello", ""], Stream(Tokenizers.V1, [Tokenizers.V1.BosId, hello, hello]));
        Assert.Equal(["", " Hello", ""], Stream(Tokenizers.V1, [28705, hello]));
    }

    [Fact]
    public void After_Prompt_KeepsTheSpaceOfTheNextWord()
    {
        var ids = Tokenizers.V1.Encode("Hello Hello");

        Assert.Equal(" Hello", StreamingDetokenizer.After(Tokenizers.V1, [Tokenizers.V1.BosId, ids[0]]).Push(ids[1]));
        Assert.Equal("Hello", StreamingDetokenizer.After(Tokenizers.V1, [Tokenizers.V1.BosId]).Push(ids[0]));
    }

    [Fact]
    public void Flush_TwiceOrWithNothingPending_IsEmpty()
    {
        var detokenizer = new StreamingDetokenizer(Tokenizers.V1);
        detokenizer.Push(Bytes(0xE2)[0]);

        Assert.Equal(("\ufffd", ""), (detokenizer.Flush(), detokenizer.Flush()));
    }

    [Fact]
    public void Push_UnknownPiece_ShowsItsSurface() =>
        Assert.Equal(" ⁇  ⁇ ", Tokenizers.V2.Decode([0, 0]));

    private static int[] Bytes(params byte[] values) => [.. values.Select(value => FirstByte + value)];

    private static List<string> Stream(SentencePieceTokenizer tokenizer, int[] ids)
    {
        var detokenizer = new StreamingDetokenizer(tokenizer);
        return [.. ids.Select(detokenizer.Push), detokenizer.Flush()];
    }
}
