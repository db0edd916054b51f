using System.Runtime.InteropServices;

namespace Pipeline.Coordinator.Verification;

/// <summary>
/// Compares what a pipeline said with what it should have said. Logits have to agree within a tolerance. So have greedy tokens
/// to be equal, with one excuse: where both tokens' logits are nearer than twice the tolerance, either may be the largest. Where
/// only the typical position is held to anything, tokens have to be those that the pipeline's own logits favour.
/// </summary>
public static class OutputComparison
{
    /// <param name="actual">Has the logits of every position, prompt and generated; <paramref name="expected"/> at least the prompt's.</param>
    public static CaseComparison Compare(VerificationCase item, CaseOutput expected, CaseOutput actual, Tolerance tolerance)
    {
        var mismatch = FirstMismatch(item, expected, actual, tolerance);
        var matches = mismatch?.Index ?? expected.Tokens.Count;
        var rows = Math.Min(expected.Rows, mismatch is null ? item.Rows : item.Prompt.Count + mismatch.Index);
        var should = expected.Logits.AsSpan(0, rows * expected.VocabularySize); // [rows, vocabulary]
        var found = actual.Logits.AsSpan(0, rows * expected.VocabularySize);
        var largest = LargestDifference(should, found, expected.VocabularySize);
        return new CaseComparison(
            item.Name,
            largest,
            mismatch is null && MemoryMarshal.AsBytes(should).SequenceEqual(MemoryMarshal.AsBytes(found)),
            matches,
            expected.Tokens.Count,
            mismatch,
            Passed: tolerance.Allows(largest) && mismatch is null or { IsExcused: true })
        {
            Shares = Shares(should, found, expected.VocabularySize),
        };
    }

    private static TokenMismatch? FirstMismatch(VerificationCase item, CaseOutput expected, CaseOutput actual, Tolerance tolerance)
    {
        for (var index = 0; index < expected.Tokens.Count; index++)
        {
            var (wanted, drawn) = (expected.Tokens[index], actual.Tokens[index]);
            if (wanted != drawn)
            {
                var row = actual.Row(item.Prompt.Count - 1 + index);
                var shortfall = row[drawn] - row[wanted];
                return new TokenMismatch(index, wanted, drawn, shortfall, IsLargest(row, drawn) && tolerance.Excuses(shortfall));
            }
        }

        return null;
    }

    /// <summary>A token that its own logits do not back was not drawn greedily, and nothing excuses it.</summary>
    private static bool IsLargest(ReadOnlySpan<float> row, int token)
    {
        foreach (var logit in row)
        {
            // Written so that a NaN anywhere makes it false.
            if (!(logit <= row[token]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>|difference| / |expected| of each position.</summary>
    private static float[] Shares(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, int vocabulary)
    {
        var shares = new float[expected.Length / vocabulary];
        for (var row = 0; row < shares.Length; row++)
        {
            var (difference, size) = (0.0, 0.0); // squares
            for (var i = row * vocabulary; i < (row + 1) * vocabulary; i++)
            {
                var off = (double)actual[i] - expected[i];
                difference += off * off;
                size += (double)expected[i] * expected[i];
            }

            shares[row] = difference == 0 ? 0 : (float)Math.Sqrt(difference / size);
        }

        return shares;
    }

    /// <summary>The first that is not a number, if there is one: it is never within a tolerance, and no larger one could be seen behind it.</summary>
    private static LogitDifference LargestDifference(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, int vocabulary)
    {
        var (at, largest) = (0, 0f);
        for (var i = 0; i < expected.Length; i++)
        {
            var difference = MathF.Abs(actual[i] - expected[i]);
            if (float.IsNaN(difference))
            {
                at = i;
                break;
            }

            if (difference > largest)
            {
                (at, largest) = (i, difference);
            }
        }

        return new LogitDifference(at / vocabulary, at % vocabulary, expected[at], actual[at]);
    }
}
