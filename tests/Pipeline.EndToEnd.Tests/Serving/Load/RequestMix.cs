namespace Pipeline.EndToEnd.Tests.Serving.Load;

/// <summary>Requests as unlike each other as the interface allows, the same ones for the same seed.</summary>
internal static class RequestMix
{
    private const int Vocabulary = 512;
    private const int FirstText = 260;
    private const int LongestAnswer = 60;

    private static readonly string[] Stops = ["e", "th", "\n\n", "ou"];

    /// <summary>Many of them begin alike, for there to be something in the prefix cache.</summary>
    public static IReadOnlyList<CompletionCall> Of(int count, int seed)
    {
        var random = new Random(seed);
        int[][] beginnings = [Prompt(random, 33), Prompt(random, 64), Prompt(random, 90), []];
        return [.. Enumerable.Range(0, count).Select(_ => Call(random, beginnings))];
    }

    private static CompletionCall Call(Random random, int[][] beginnings)
    {
        var fields = new Dictionary<string, object>
        {
            ["prompt"] = (int[])[1, .. beginnings[random.Next(beginnings.Length)], .. Prompt(random, random.Next(1, 50))],
            ["max_tokens"] = random.Next(1, LongestAnswer),
            ["temperature"] = random.Next(4) == 0 ? 0 : 0.5 + random.NextDouble(),
            ["seed"] = random.Next(),
            ["stream"] = random.Next(2) == 0,
        };
        Maybe("top_p", () => 0.5 + (random.NextDouble() / 2));
        Maybe("top_k", () => random.Next(1, 60));
        Maybe("min_p", () => random.NextDouble() / 10);
        Maybe("presence_penalty", () => (random.NextDouble() * 2) - 1);
        Maybe("frequency_penalty", () => random.NextDouble());
        Maybe("repetition_penalty", () => 1 + (random.NextDouble() / 2));
        Maybe("logprobs", () => random.Next(3));
        Maybe("ignore_eos", () => true);
        if (random.Next(4) == 0)
        {
            fields["stop"] = Stops[random.Next(Stops.Length)];
        }

        return new CompletionCall(fields);

        void Maybe(string name, Func<object> value)
        {
            if (random.Next(2) == 0)
            {
                fields[name] = value();
            }
        }
    }

    private static int[] Prompt(Random random, int tokens) => [.. Enumerable.Range(0, tokens).Select(_ => random.Next(FirstText, Vocabulary))];
}
