using System.Text.Json;

namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>
/// Prompts out of a file: one on each line as plain text, one JSON object with "prompt" (and, if wanted, "output_len") on each
/// line of a .jsonl file, or a .json file of conversations as ShareGPT's, whose first human turns are taken.
/// </summary>
public static class PromptFile
{
    /// <summary>As many as wanted, in an order that the seed decides; they come again when the file has fewer.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, or has no prompts in it.</exception>
    public static IReadOnlyList<LoadPrompt> Load(string path, int count, int outputTokens, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(path);
        var prompts = Read(path, outputTokens).Where(prompt => !string.IsNullOrWhiteSpace(prompt.Text)).ToArray();
        if (prompts.Length == 0)
        {
            throw new UserErrorException($"{path} has no prompts in it");
        }

        new Random(unchecked((int)seed)).Shuffle(prompts);
        return [.. Enumerable.Range(0, count).Select(index => prompts[index % prompts.Length])];
    }

    private static List<LoadPrompt> Read(string path, int outputTokens)
    {
        try
        {
            return Path.GetExtension(path) switch
            {
                ".json" => Conversations(path, outputTokens),
                ".jsonl" => [.. File.ReadLines(path).Where(line => !string.IsNullOrWhiteSpace(line)).Select(line => Parse(line, outputTokens))],
                _ => [.. File.ReadLines(path).Select(line => new LoadPrompt(line, null, outputTokens))],
            };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new UserErrorException($"cannot read prompts from {path}: {exception.Message}");
        }
    }

    private static LoadPrompt Parse(string line, int outputTokens)
    {
        using var document = JsonDocument.Parse(line);
        var length = document.RootElement.TryGetProperty("output_len", out var own) && own.TryGetInt32(out var tokens) && tokens > 0 ? tokens : outputTokens;
        return new LoadPrompt(document.RootElement.GetProperty("prompt").GetString(), null, length);
    }

    private static List<LoadPrompt> Conversations(string path, int outputTokens)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return
        [
            .. document.RootElement.EnumerateArray()
                .Select(entry => entry.GetProperty("conversations").EnumerateArray().FirstOrDefault(turn => turn.GetProperty("from").GetString() is "human" or "user"))
                .Where(turn => turn.ValueKind == JsonValueKind.Object)
                .Select(turn => new LoadPrompt(turn.GetProperty("value").GetString(), null, outputTokens))
        ];
    }
}
