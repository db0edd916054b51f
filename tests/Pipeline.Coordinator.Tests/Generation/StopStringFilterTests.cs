using CsCheck;
using Pipeline.Coordinator.Generation;

namespace Pipeline.Coordinator.Tests.Generation;

public class StopStringFilterTests
{
    // Two letters and short words: stop strings overlap each other, themselves, and the places where pieces meet.
    private static readonly Gen<string> Word = Gen.Char["ab"].Array[1, 4].Select(letters => new string(letters));

    private static readonly Gen<(string[] Pieces, string[] Stops, int Unarmed, bool Includes)> Case =
        Gen.Select(Gen.OneOf(Word, Gen.Const("")).Array[0, 12], Word.Array[0, 3], Gen.Int[0, 12], Gen.Bool);

    /// <summary>The same said in one line over the whole text: the first place where a stop string ends behind the unarmed pieces.</summary>
    [Fact]
    public void Push_AnyPieces_LetsThroughWhatComesBeforeTheFirstStop() => Case.Sample(
        drawn =>
        {
            var (pieces, stops, unarmed, includes) = drawn;
            var filter = new StopStringFilter(stops, includes);
            var text = "";
            for (var index = 0; index < pieces.Length && !filter.Stopped; index++)
            {
                filter.IsArmed = index >= unarmed;
                text += filter.Push(pieces[index]);
            }

            text += filter.Flush();
            Assert.Equal(Expected(pieces, stops, unarmed, includes), (text, filter.Stopped));
        },
        iter: 20_000);

    [Fact]
    public void Push_BeginningOfAStop_IsHeldBackUntilItIsNone()
    {
        var filter = new StopStringFilter(["###"], includesStop: false);

        Assert.Equal(["a", "", "##b"], new[] { "a#", "#", "b" }.Select(filter.Push));
    }

    [Fact]
    public void Push_StopWhileUnarmed_IsShownAtOnce()
    {
        var filter = new StopStringFilter(["\n"], includesStop: false) { IsArmed = false };
        Assert.Equal("one\ntwo", filter.Push("one\ntwo"));

        filter.IsArmed = true;

        Assert.Equal("three", filter.Push("three\nfour"));
        Assert.True(filter.Stopped);
    }

    private static (string Text, bool Stopped) Expected(string[] pieces, string[] stops, int unarmed, bool includes)
    {
        var shown = 0;
        var whole = "";
        for (var index = 0; index < pieces.Length; index++)
        {
            var before = whole.Length;
            whole += pieces[index];
            var matches =
                from stop in stops
                from start in Enumerable.Range(0, whole.Length)
                where string.CompareOrdinal(whole, start, stop, 0, stop.Length) == 0 && start + stop.Length > before && start >= shown
                orderby start, stop.Length
                select (Start: start, End: start + stop.Length);
            if (index >= unarmed && matches.Any())
            {
                return (whole[..(includes ? matches.First().End : matches.First().Start)], true);
            }

            shown = whole.Length - Enumerable.Range(1, whole.Length).Where(length => stops.Any(stop => stop.Length > length && stop.StartsWith(whole[^length..], StringComparison.Ordinal))).Append(0).Max();
        }

        return (whole, false);
    }
}
