using Pipeline.Coordinator.Verification;

namespace Pipeline.Coordinator.Tests.Verification;

public class OutputComparisonTests
{
    private const int Vocabulary = 5;
    private const int PromptLength = 3;

    private static readonly Tolerance Near = Tolerance.OfEveryLogit(0.01f);
    private static readonly Tolerance Typical = Tolerance.OfTheTypicalPosition(0.03f);
    private static readonly VerificationCase Case = new("case0", [1, 2, 3], MaxTokens: 4);

    [Fact]
    public void Compare_TheSameOutput_IsIdenticalBits()
    {
        var comparison = OutputComparison.Compare(Case, Output(1), Output(1), Tolerance.None);

        Assert.True(comparison is { Passed: true, IdenticalBits: true, GreedyMatches: 4, GreedyTokens: 4, Mismatch: null, NotCompared: 0 });
        Assert.Equal(0, comparison.Largest.Magnitude);
    }

    [Theory]
    [InlineData(0.0099f, true)]
    [InlineData(0.0101f, false)]
    [InlineData(-0.0101f, false)]
    public void Compare_OneLogitOff_PassesWithinTheToleranceAndNamesThePlace(float error, bool passes)
    {
        for (var row = 0; row < PromptLength; row++)
        {
            for (var token = 0; token < Vocabulary; token++)
            {
                var actual = Output(2);
                actual.Logits[(row * Vocabulary) + token] += error;

                var comparison = OutputComparison.Compare(Case, Output(2), actual, Near);

                Assert.Equal((row, token), (comparison.Largest.Row, comparison.Largest.Token));
                Assert.Equal(Math.Abs(error), comparison.Largest.Magnitude, 1e-6f);
                Assert.Equal(passes, comparison.Passed);
                Assert.False(comparison.IdenticalBits);
            }
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Compare_LogitThatIsNoNumber_FailsWhereverItIs(float value)
    {
        for (var at = 0; at < PromptLength * Vocabulary; at++)
        {
            var actual = Output(3);
            actual.Logits[at] = value;
            actual.Logits[^1] += 1;

            var comparison = OutputComparison.Compare(Case, Output(3), actual, Near);

            Assert.False(comparison.Passed);
            Assert.Equal((at / Vocabulary, at % Vocabulary), (comparison.Largest.Row, comparison.Largest.Token));
        }
    }

    [Fact]
    public void Compare_BothSidesNaN_FailsThoughTheBitsAreTheSame()
    {
        var broken = Output(3);
        Array.Fill(broken.Logits, float.NaN);

        Assert.False(OutputComparison.Compare(Case, broken, broken, Near).Passed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public void Compare_WrongToken_FailsAndCountsTheMatchesBeforeIt(int index)
    {
        var actual = Output(4);
        var expected = WithToken(Output(4), index, Weakest(actual, index));

        var comparison = OutputComparison.Compare(Case, expected, actual, Near);

        Assert.False(comparison.Passed);
        Assert.Equal(index, comparison.GreedyMatches);
        Assert.Equal(0, comparison.NotCompared);
        var row = actual.Row(PromptLength - 1 + index);
        Assert.Equal(new TokenMismatch(index, expected.Tokens[index], actual.Tokens[index], row[actual.Tokens[index]] - row[expected.Tokens[index]], false), comparison.Mismatch);
    }

    [Theory]
    [InlineData(0.0199f, true)]
    [InlineData(0.0201f, false)]
    public void Compare_OtherTokenOfANearTie_IsExcusedWithinTwiceTheTolerance(float margin, bool excused)
    {
        var (expected, actual) = Tie(index: 1, margin);

        var comparison = OutputComparison.Compare(Case, expected, actual, Near);

        Assert.Equal(excused, comparison.Passed);
        Assert.Equal(excused, comparison.Mismatch!.IsExcused);
        Assert.Equal(1, comparison.GreedyMatches);
        Assert.Equal(excused ? 2 : 0, comparison.NotCompared);
    }

    [Fact]
    public void Compare_NearTieElsewhereInTheRow_DoesNotExcuseAThirdToken()
    {
        var (expected, actual) = Tie(index: 1, margin: 0.001f);

        var third = Weakest(actual, 1);
        var comparison = OutputComparison.Compare(Case, WithToken(expected, 1, third), actual, Near);

        Assert.False(comparison.Passed);
    }

    [Fact]
    public void Compare_DrawnTokenIsNotTheLargest_IsNeverExcused()
    {
        // The pipeline's own logits favour the expected token: the fault is in its sampling.
        var (expected, actual) = Tie(index: 1, margin: -0.001f);

        Assert.False(OutputComparison.Compare(Case, expected, actual, Near).Passed);
    }

    [Fact]
    public void Compare_AfterAnExcusedMismatch_LaterLogitsDoNotCount()
    {
        var (expected, actual) = Tie(index: 1, margin: 0.001f);
        actual.Logits[(PromptLength + 1) * Vocabulary] += 100; // The row of the third token, behind the tie.

        Assert.True(OutputComparison.Compare(Case, expected, actual, Near).Passed);
    }

    [Fact]
    public void Compare_LogitsUpToAnExcusedMismatch_StillCount()
    {
        var (expected, actual) = Tie(index: 1, margin: 0.001f);
        actual.Logits[(PromptLength * Vocabulary) - 1] += 100; // The row of the first token.

        Assert.False(OutputComparison.Compare(Case, expected, actual, Near).Passed);
    }

    [Fact]
    public void Compare_ReferenceWithPromptRowsOnly_ComparesThose()
    {
        var whole = Output(5);
        var expected = new CaseOutput(whole.Tokens, whole.Logits[..(PromptLength * Vocabulary)], Vocabulary);

        Assert.True(OutputComparison.Compare(Case, expected, Output(5), Tolerance.None) is { Passed: true, IdenticalBits: true });
    }

    [Fact]
    public void Compare_ReferenceWithGeneratedRows_ComparesThemToo()
    {
        var actual = Output(6);
        actual.Logits[^1] += 0.02f;

        var comparison = OutputComparison.Compare(Case, Output(6), actual, Near);

        Assert.False(comparison.Passed);
        Assert.Equal((PromptLength + 2, Vocabulary - 1), (comparison.Largest.Row, comparison.Largest.Token));
    }

    /// <summary>The largest difference says nothing of a position; its size against that of the logits does.</summary>
    [Fact]
    public void Compare_EveryPosition_HasItsShare()
    {
        var (expected, actual) = (Output(8), Output(8));
        for (var token = 0; token < Vocabulary; token++)
        {
            actual.Logits[Vocabulary + token] *= 1.25f;
            actual.Logits[(2 * Vocabulary) + token] = 0;
        }

        var shares = OutputComparison.Compare(Case, expected, actual, Typical).Shares;

        Assert.Equal(0, shares[0]);
        Assert.Equal(0.25f, shares[1], 1e-6f);
        Assert.Equal(1, shares[2]);
        Assert.Equal(Case.Rows, shares.Count);
    }

    [Fact]
    public void Compare_NothingExpectedButSomethingFound_IsInfinitelyFarOff()
    {
        var (expected, actual) = (Output(8), Output(8));
        Array.Clear(expected.Logits, 0, 2 * Vocabulary);
        Array.Clear(actual.Logits, Vocabulary, Vocabulary);

        var shares = OutputComparison.Compare(Case, expected, actual, Typical).Shares;

        Assert.Equal((float.PositiveInfinity, 0), (shares[0], shares[1]));
    }

    [Fact]
    public void Compare_TypicalPosition_ExcusesTokensThatTheLogitsFavourAndNoOthers()
    {
        var (expected, actual) = Tie(index: 1, margin: 5);
        var comparison = OutputComparison.Compare(Case, expected, actual, Typical);
        Assert.True(comparison is { Passed: true, Mismatch.IsExcused: true, NotCompared: 2 });

        (expected, actual) = Tie(index: 1, margin: -0.001f);
        Assert.False(OutputComparison.Compare(Case, expected, actual, Typical).Passed);
    }

    [Fact]
    public void Compare_TypicalPosition_FailsAtWhatIsNoNumber()
    {
        var actual = Output(3);
        actual.Logits[7] = float.NaN;
        Assert.False(OutputComparison.Compare(Case, Output(3), actual, Typical).Passed);
    }

    /// <summary>Random logits of all positions, and the tokens that they favour.</summary>
    private static CaseOutput Output(int seed)
    {
        var random = new Random(seed);
        var logits = Enumerable.Range(0, Case.Rows * Vocabulary).Select(_ => (float)(random.NextDouble() * 8) - 4).ToArray();
        var rows = Enumerable.Range(PromptLength - 1, Case.MaxTokens).Select(row => logits[(row * Vocabulary)..((row + 1) * Vocabulary)]);
        return new CaseOutput([.. rows.Select(row => Array.IndexOf(row, row.Max()))], logits, Vocabulary);
    }

    /// <summary>The pipeline draws its largest logit, and the oracle the one that lies a margin below it.</summary>
    private static (CaseOutput Expected, CaseOutput Actual) Tie(int index, float margin)
    {
        var (expected, actual) = (Output(7), Output(7));
        var drawn = actual.Tokens[index];
        var other = (drawn + 1) % Vocabulary;
        var row = PromptLength - 1 + index;
        foreach (var output in new[] { expected, actual })
        {
            output.Logits[(row * Vocabulary) + other] = output.Logits[(row * Vocabulary) + drawn] - margin;
        }

        return (WithToken(expected, index, other), actual);
    }

    private static CaseOutput WithToken(CaseOutput output, int index, int token) => output with { Tokens = [.. output.Tokens.Take(index), token, .. output.Tokens.Skip(index + 1)] };

    private static int Weakest(CaseOutput output, int index)
    {
        var row = output.Row(PromptLength - 1 + index).ToArray();
        return Array.IndexOf(row, row.Min());
    }
}
