using System.Globalization;

namespace Pipeline.Coordinator.Verification;

/// <summary>Prompts for models without a golden file: pseudo-random ids over the whole vocabulary, of several lengths.</summary>
public static class BuiltInCases
{
    private const int MaxTokens = 24;

    // One token alone, both sides of a cache block, and a few that outlast the chunks and windows of small models.
    private static readonly int[] Lengths = [1, 2, 15, 16, 17, 40, 100];

    /// <summary>The same for the same seed; those too long for the model are left out.</summary>
    public static IReadOnlyList<VerificationCase> Create(int vocabularySize, int maxModelLength, int seed)
    {
        var random = new Random(seed);
        return
        [
            .. Lengths.Where(length => length + MaxTokens <= maxModelLength).Select((length, index) => new VerificationCase(
                string.Create(CultureInfo.InvariantCulture, $"case{index}"),
                [.. Enumerable.Range(0, length).Select(_ => random.Next(vocabularySize))],
                MaxTokens)),
        ];
    }
}
