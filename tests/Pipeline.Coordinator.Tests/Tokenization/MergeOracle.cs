using System.Text;
using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Tests.Tokenization;

/// <summary>
/// Byte-pair encoding by its definition: as long as two neighbours form a piece, join the best pair, leftmost first.
/// Looks at every pair for every join.
/// </summary>
internal static class MergeOracle
{
    public static int[] Encode(SentencePieceTokenizer tokenizer, string text)
    {
        var pieces = Enumerable.Range(0, tokenizer.VocabularySize).Select(id => tokenizer.Pieces[id]).ToArray();
        var ids = pieces.Index().Where(entry => entry.Item.Kind is PieceKind.Normal or PieceKind.UserDefined)
            .ToDictionary(entry => entry.Item.Text, entry => entry.Index);
        var whole = pieces.Where(piece => piece.Kind == PieceKind.UserDefined).Select(piece => piece.Text).ToArray();
        var symbols = Split(text.Length == 0 ? "" : " " + text, whole);
        while (BestPair(symbols, ids, pieces, whole) is { } left)
        {
            symbols[left] += symbols[left + 1];
            symbols.RemoveAt(left + 1);
        }

        return [.. symbols.SelectMany(symbol => ids.TryGetValue(symbol, out var id)
            ? [id]
            : Encoding.UTF8.GetBytes(symbol).Select(value => Array.FindIndex(pieces, piece => piece.Text == $"<0x{value:X2}>")))];
    }

    private static List<string> Split(string text, string[] whole)
    {
        var symbols = new List<string>();
        for (var rest = text.Replace(' ', '▁'); rest.Length > 0; rest = rest[symbols[^1].Length..])
        {
            symbols.Add(whole.Where(piece => rest.StartsWith(piece, StringComparison.Ordinal)).MaxBy(piece => piece.Length)
                ?? rest.EnumerateRunes().First().ToString());
        }

        return symbols;
    }

    private static int? BestPair(List<string> symbols, Dictionary<string, int> ids, SentencePiece[] pieces, string[] whole)
    {
        int? best = null;
        var bestScore = float.NegativeInfinity;
        for (var left = 0; left + 1 < symbols.Count; left++)
        {
            if (!whole.Contains(symbols[left]) && !whole.Contains(symbols[left + 1])
                && ids.TryGetValue(symbols[left] + symbols[left + 1], out var id) && pieces[id].Score > bestScore)
            {
                (best, bestScore) = (left, pieces[id].Score);
            }
        }

        return best;
    }
}
