namespace Pipeline.TestKit.Batching;

/// <summary>Prompts without meaning.</summary>
public static class RandomTokens
{
    public static int[] Of(int count, int vocabulary, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }
}
