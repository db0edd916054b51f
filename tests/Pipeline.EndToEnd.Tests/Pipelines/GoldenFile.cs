using System.Runtime.InteropServices;
using System.Text.Json;
using Pipeline.Shared.Checkpoints;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Pipelines;

/// <summary>What another implementation made of a fixture model: logits of whole prompts and their greedy continuations.</summary>
internal sealed class GoldenFile(string model)
{
    private readonly string _path = Fixtures.At($"{model}.golden.safetensors");

    public int[] Prompt(int number) => Read<int>($"case{number}.input_ids");

    public int[] Greedy(int number) => Read<int>($"case{number}.greedy");

    /// <summary><c>[tokens, vocabulary]</c>.</summary>
    public float[] Logits(int number) => Read<float>($"case{number}.logits");

    /// <summary>Log-probability of each prompt token but the first.</summary>
    public double[] PromptScores(int number)
    {
        var (prompt, logits) = (Prompt(number), Logits(number));
        var vocabulary = logits.Length / prompt.Length;
        return [.. Enumerable.Range(0, prompt.Length - 1).Select(row =>
        {
            var values = logits.Skip(row * vocabulary).Take(vocabulary).Select(logit => (double)logit).ToArray();
            return values[prompt[row + 1]] - Math.Log(values.Sum(Math.Exp));
        })];
    }

    /// <summary>The prompts as text, where the model has a tokenizer.</summary>
    public IReadOnlyList<string> Texts => JsonSerializer.Deserialize<string[]>(SafetensorsHeader.Read(_path).Metadata["prompts"])!;

    private T[] Read<T>(string name)
        where T : unmanaged
    {
        var entry = SafetensorsHeader.Read(_path).Tensors[name];
        using var file = File.OpenRead(_path);
        file.Position = entry.FileOffset;
        var bytes = new byte[entry.ByteLength];
        file.ReadExactly(bytes);
        return MemoryMarshal.Cast<byte, T>(bytes).ToArray();
    }
}
