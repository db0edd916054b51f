namespace Pipeline.Coordinator.Benchmarking;

/// <summary>Prompts of random token ids: new ones for every repetition, the same ones whenever a benchmark is repeated.</summary>
public sealed class RandomPrompts(ulong seed, int vocabularySize)
{
    private int _repetition;

    /// <summary>The prompts of the next repetition.</summary>
    public IReadOnlyList<int[]> Next(int count, int length)
    {
        var random = new Random(unchecked((int)((seed * 1_000_003) + (ulong)_repetition++)));
        return [.. Enumerable.Range(0, count).Select(_ => Prompt(random, length))];
    }

    private int[] Prompt(Random random, int length)
    {
        var ids = new int[length];
        for (var i = 0; i < length; i++)
        {
            ids[i] = random.Next(vocabularySize);
        }

        return ids;
    }
}
