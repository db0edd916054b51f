using System.Runtime.InteropServices;

namespace Pipeline.Model.Caching;

/// <summary>The distinct tokens of a sequence with their counts. Grows with the sequence: each token is looked at once.</summary>
/// <param name="first">Position that counting begins at: that of the first generated token, or 0 to list the prompt's tokens as well.</param>
internal sealed class TokenTally(int promptLength, int first)
{
    private readonly Dictionary<int, int> _places = [];
    private readonly List<TokenCount> _counts = [];
    private int _counted = first;

    /// <summary>The counts of so many tokens, of which those before were counted already.</summary>
    public ReadOnlySpan<TokenCount> Of(ReadOnlySpan<int> tokens)
    {
        for (; _counted < tokens.Length; _counted++)
        {
            ref var place = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, tokens[_counted], out var known);
            if (!known)
            {
                place = _counts.Count;
                _counts.Add(new TokenCount(tokens[_counted], 0));
            }

            if (_counted >= promptLength)
            {
                _counts[place] = _counts[place] with { Generated = _counts[place].Generated + 1 };
            }
        }

        return CollectionsMarshal.AsSpan(_counts);
    }
}
