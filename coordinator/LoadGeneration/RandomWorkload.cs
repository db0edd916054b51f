namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>
/// Random prompts whose lengths spread evenly around the ones asked for. The lengths are the same in either form, so that runs
/// against a server that takes token ids and one that does not have the same shape.
/// </summary>
/// <param name="RangeRatio">How far lengths stray: 0.2 means from 80 % to 120 %.</param>
/// <param name="VocabularySize">Token ids stay below this.</param>
public sealed record RandomWorkload(int InputTokens, int OutputTokens, double RangeRatio, int VocabularySize, ulong Seed)
{
    /// <summary>The first ids mark unknown text, beginnings and ends in nearly every vocabulary.</summary>
    private const int SpecialTokens = 3;

    private static readonly string[] Words =
    [
        "time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school", "state", "family", "student", "group",
        "country", "problem", "hand", "part", "place", "case", "week", "company", "system", "program", "question", "work", "number", "night",
        "point", "home", "water", "room", "mother", "area", "money", "story", "fact", "month", "lot", "right", "study", "book", "eye", "job",
        "word", "business", "issue", "side", "kind", "head", "house", "service", "friend", "father", "power", "hour", "game", "line", "end",
        "member", "law", "car",
    ];

    public IReadOnlyList<LoadPrompt> Prompts(int count, PromptForm form)
    {
        var lengths = new Random(Mixed(1));
        var contents = new Random(Mixed(2));
        return [.. Enumerable.Range(0, count).Select(_ => Prompt(Stray(InputTokens, lengths), Stray(OutputTokens, lengths), form, contents))];
    }

    /// <summary>A short prompt with the highest id that this workload may use: whoever takes it takes all of them.</summary>
    public LoadPrompt Probe() => new(null, [Math.Min(SpecialTokens, VocabularySize - 1), VocabularySize - 1], OutputTokens: 1);

    private LoadPrompt Prompt(int input, int output, PromptForm form, Random random) => form == PromptForm.TokenIds
        ? new LoadPrompt(null, [.. Enumerable.Range(0, input).Select(_ => random.Next(Math.Min(SpecialTokens, VocabularySize - 1), VocabularySize))], output)
        : new LoadPrompt(string.Join(' ', Enumerable.Range(0, input).Select(_ => Words[random.Next(Words.Length)])), null, output);

    private int Stray(int length, Random random)
    {
        var shortest = Math.Max(1, (int)Math.Floor(length * (1 - RangeRatio)));
        var longest = Math.Max(shortest, (int)Math.Ceiling(length * (1 + RangeRatio)));
        return random.Next(shortest, longest + 1);
    }

    private int Mixed(ulong stream) => unchecked((int)((Seed * 1_000_003) + stream));
}
