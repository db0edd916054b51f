using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Lessons;

/// <summary>How far information travels through a stack of windowed layers: each adds window - 1 positions, no more.</summary>
/// <param name="Reach">Exactly layers * (window - 1): the last position that one token can influence lies this far behind it.</param>
/// <param name="Layers">What every position has taken in after each layer; entry 0 is the embedding.</param>
public sealed record ReceptiveFieldLesson(
    int Window, int Reach, IReadOnlyList<string> Tokens, IReadOnlyList<ReceptiveFieldLayer> Layers)
{
    public static ReceptiveFieldLesson Of(int layers, int window, IReadOnlyList<string> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.Count == 0)
        {
            throw new UserErrorException("there are no tokens to follow; give some words, for instance --tokens \"the cat is on a chair\"");
        }

        var fields = new List<ReceptiveFieldLayer>
        {
            new(0, [.. Enumerable.Range(0, tokens.Count).Select(position => new[] { position })]),
        };
        for (var layer = 1; layer <= layers; layer++)
        {
            fields.Add(new ReceptiveFieldLayer(layer, Mix(fields[^1].Sources, window)));
        }

        return new ReceptiveFieldLesson(window, checked(layers * (window - 1)), tokens, fields);
    }

    /// <summary>One layer: a position takes in all that the positions it sees had taken in.</summary>
    private static int[][] Mix(IReadOnlyList<IReadOnlyList<int>> below, int window) =>
        [.. Enumerable.Range(0, below.Count).Select(query => Enumerable.Range(0, below.Count)
            .Where(key => AttentionWindow.Sees(query, key, window))
            .SelectMany(key => below[key]).Distinct().Order().ToArray())];
}
