using System.Text;

namespace Pipeline.Coordinator.Tokenization;

/// <summary>
/// One text on its way from characters to pieces: a chain of symbols and the queue of merges that are possible between
/// neighbours. Every merge costs O(log n), so a long text costs O(n log n).
/// </summary>
internal sealed class MergePass
{
    private const int None = -1;

    private readonly PieceTable _pieces;
    private readonly string _text;
    private readonly List<Symbol> _symbols;
    private readonly PriorityQueue<Merge, MergeRank> _merges = new();

    private MergePass(PieceTable pieces, string text)
    {
        _pieces = pieces;
        _text = text;
        _symbols = new List<Symbol>(text.Length);
    }

    /// <param name="text">Well-formed UTF-16 in which every space is already written as <see cref="PieceTable.Space"/>.</param>
    public static int[] Run(PieceTable pieces, string text)
    {
        var pass = new MergePass(pieces, text);
        pass.Split();
        pass.MergeAll();
        return pass.Collect();
    }

    private void Split()
    {
        for (var start = 0; start < _text.Length;)
        {
            var rest = _text.AsSpan(start);
            var whole = _pieces.UserDefinedPrefix(rest);
            var length = whole > 0 ? whole : char.IsHighSurrogate(rest[0]) ? 2 : 1;
            var next = start + length < _text.Length ? _symbols.Count + 1 : None;
            _symbols.Add(new Symbol(start, length, _symbols.Count - 1, next, Frozen: whole > 0));
            start += length;
        }

        for (var right = 1; right < _symbols.Count; right++)
        {
            Propose(right - 1, right);
        }
    }

    private void MergeAll()
    {
        while (_merges.TryDequeue(out var merge, out var rank))
        {
            var (left, right) = (_symbols[rank.Left], _symbols[merge.Right]);

            // A merge proposed earlier is void once one of its sides has grown or gone; a side that has gone has length 0.
            if (left.Length == 0 || right.Length == 0 || left.Length + right.Length != merge.Length)
            {
                continue;
            }

            Join(rank.Left, merge.Right);
        }
    }

    private void Join(int left, int right)
    {
        var (grown, gone) = (_symbols[left], _symbols[right]);
        _symbols[left] = grown with { Length = grown.Length + gone.Length, Next = gone.Next };
        _symbols[right] = gone with { Length = 0 };
        if (gone.Next != None)
        {
            _symbols[gone.Next] = _symbols[gone.Next] with { Previous = left };
        }

        Propose(grown.Previous, left);
        Propose(left, gone.Next);
    }

    private void Propose(int left, int right)
    {
        if (left == None || right == None || _symbols[left].Frozen || _symbols[right].Frozen)
        {
            return;
        }

        var length = _symbols[left].Length + _symbols[right].Length;
        if (_pieces.TryGetText(_text.AsSpan(_symbols[left].Start, length), out var id))
        {
            _merges.Enqueue(new Merge(right, length), new MergeRank(_pieces[id].Score, left));
        }
    }

    private int[] Collect()
    {
        var ids = new List<int>(_symbols.Count);
        for (var index = _symbols.Count > 0 ? 0 : None; index != None; index = _symbols[index].Next)
        {
            var text = _text.AsSpan(_symbols[index].Start, _symbols[index].Length);
            if (_pieces.TryGetText(text, out var id))
            {
                ids.Add(id);
            }
            else
            {
                AddBytes(ids, text);
            }
        }

        return [.. ids];
    }

    /// <summary>Only a single character can be without a piece: at most four bytes.</summary>
    private void AddBytes(List<int> ids, ReadOnlySpan<char> character)
    {
        Span<byte> bytes = stackalloc byte[4];
        foreach (var value in bytes[..Encoding.UTF8.GetBytes(character, bytes)])
        {
            ids.Add(_pieces.IdOfByte(value));
        }
    }

    private readonly record struct Symbol(int Start, int Length, int Previous, int Next, bool Frozen);

    private readonly record struct Merge(int Right, int Length);
}
