using System.Diagnostics;

namespace Pipeline.Coordinator.Tests.Tokenization;

public class SentencePieceTokenizerTests
{
    // Ids 3 to 770 of the later vocabularies are control pieces; everything behind them moved up by as many.
    private const int Shift = 768;

    [Theory]
    [MemberData(nameof(Tokenizers.Names), MemberType = typeof(Tokenizers))]
    public void SpecialIds_EveryVocabulary_AreZeroOneTwo(string name)
    {
        var tokenizer = Tokenizers.Named(name);

        Assert.Equal((0, 1, 2), (tokenizer.UnknownId, tokenizer.BosId, tokenizer.EosId));
        Assert.Equal(("<unk>", "<s>", "</s>"), (tokenizer.PieceOf(0), tokenizer.PieceOf(1), tokenizer.PieceOf(2)));
    }

    [Fact]
    public void PieceOf_EveryIdOfV1_IsThePieceOfTheShiftedIdInV2AndV3()
    {
        for (var id = 3; id < Tokenizers.V1.VocabularySize; id++)
        {
            Assert.Equal(Tokenizers.V1.PieceOf(id), Tokenizers.V2.PieceOf(id + Shift));
            Assert.Equal(Tokenizers.V1.PieceOf(id), Tokenizers.V3.PieceOf(id + Shift));
            Assert.False(Tokenizers.V1.IsControl(id) || Tokenizers.V2.IsControl(id + Shift) || Tokenizers.V3.IsControl(id + Shift));
        }
    }

    [Fact]
    public void Encode_RandomText_GivesShiftedIdsInV2()
    {
        var random = new RandomText(1);
        for (var i = 0; i < 300; i++)
        {
            var text = random.Phrases(30);
            Assert.Equal(Tokenizers.V1.Encode(text).Select(id => id + Shift), Tokenizers.V2.Encode(text));
        }
    }

    [Theory]
    [MemberData(nameof(Tokenizers.Names), MemberType = typeof(Tokenizers))]
    public void Encode_RandomText_GivesWhatTheDefinitionGives(string name)
    {
        var tokenizer = Tokenizers.Named(name);
        var random = new RandomText(2);
        for (var i = 0; i < 30; i++)
        {
            var text = random.Phrases(20) + random.AnyCharacters(10);
            Assert.Equal(MergeOracle.Encode(tokenizer, text), tokenizer.Encode(text));
        }
    }

    [Theory]
    [MemberData(nameof(Tokenizers.Names), MemberType = typeof(Tokenizers))]
    public void Decode_OfEncodedRandomText_IsTheText(string name)
    {
        var tokenizer = Tokenizers.Named(name);
        var random = new RandomText(3);
        for (var i = 0; i < 500; i++)
        {
            var text = i % 2 == 0 ? random.Phrases(40) : random.AnyCharacters(40);
            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        }
    }

    [Theory]
    [MemberData(nameof(Tokenizers.Names), MemberType = typeof(Tokenizers))]
    public void Encode_NameOfAnyControlPiece_GivesNoControlId(string name)
    {
        var tokenizer = Tokenizers.Named(name);
        for (var id = 0; id < tokenizer.VocabularySize; id++)
        {
            if (tokenizer.IsControl(id) || id == tokenizer.UnknownId)
            {
                var ids = tokenizer.Encode($"{tokenizer.PieceOf(id)}x{tokenizer.PieceOf(id)} {tokenizer.PieceOf(id)}");
                Assert.DoesNotContain(ids, found => tokenizer.IsControl(found) || found == tokenizer.UnknownId);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Tokenizers.Names), MemberType = typeof(Tokenizers))]
    public void Encode_NameOfABytePiece_GivesNoByte(string name)
    {
        var tokenizer = Tokenizers.Named(name);

        Assert.DoesNotContain(tokenizer.Encode("x<0x0A> <0x0A>"), id => tokenizer.PieceOf(id) == "<0x0A>");
    }

    [Theory]
    [InlineData("a [REFERENCE_DOC_7] b", new[] { 1032, 29473, 763, 1055 })]
    [InlineData("[REFERENCE_DOC_1][REFERENCE_DOC_19]", new[] { 29473, 769, 751 })]
    [InlineData("[REFERENCE_DOC_0", new[] { 1501, 15097, 1493, 16451, 29498, 5938, 29511, 29498, 29502 })]
    public void Encode_ReferencePieceInText_IsOneIdInV3(string text, int[] ids)
    {
        Assert.Equal(ids, Tokenizers.V3.Encode(text));
        Assert.Equal(text, Tokenizers.V3.Decode(ids));
        Assert.DoesNotContain(Tokenizers.V2.Encode(text), id => id is >= 3 and <= 770);
    }

    [Fact]
    public void Encode_HalfASurrogatePair_BecomesTheReplacementCharacter() =>
        Assert.Equal(Tokenizers.V1.Encode("x\ufffdy🙂"), Tokenizers.V1.Encode("x\ud83dy🙂"));

    [Fact]
    public void ControlId_KnownAndUnknownNames_IsIdOrNull()
    {
        Assert.Equal((3, 4), (Tokenizers.V2.ControlId("[INST]"), Tokenizers.V3.ControlId("[/INST]")));
        Assert.Null(Tokenizers.V1.ControlId("[INST]"));
        Assert.Null(Tokenizers.V3.ControlId("[REFERENCE_DOC_1]"));
        Assert.Null(Tokenizers.V3.ControlId("<0x0A>"));
    }

    [Fact]
    public void IsControl_EveryKind_IsTrueForControlPiecesOnly()
    {
        Assert.Equal(2, Enumerable.Range(0, Tokenizers.V1.VocabularySize).Count(Tokenizers.V1.IsControl));
        Assert.Equal(Enumerable.Range(1, 770), Enumerable.Range(0, Tokenizers.V2.VocabularySize).Where(Tokenizers.V2.IsControl));
        Assert.Equal(Enumerable.Range(1, 750), Enumerable.Range(0, Tokenizers.V3.VocabularySize).Where(Tokenizers.V3.IsControl));
    }

    [Fact]
    public void Decode_NegativeId_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => Tokenizers.Tiny.Decode([-1]));

    [Theory]
    [InlineData("a")]
    [InlineData("The quick brown fox is 12 years old.\n")]
    public void Encode_SixtyFourTimesTheText_CostsFarLessThanTheSquare(string unit)
    {
        var text = string.Concat(Enumerable.Repeat(unit, 100_000 / unit.Length));
        Tokenizers.V1.Encode(text);

        // A busy machine and a cache that overflows cost a factor of four; the square costs another sixteen, in every comparison.
        var ratios = Enumerable.Range(0, 5).Select(_ => Best(text) / Best(text[..(text.Length / 64)])).ToList();

        Assert.True(ratios.Min() < 1000, $"64 times the text took {ratios.Min():F1} times as long at best; the square would be 4096");
    }

    private static double Best(string text) => Enumerable.Range(0, 5).Min(_ =>
    {
        var start = Stopwatch.GetTimestamp();
        Tokenizers.V1.Encode(text);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    });
}
