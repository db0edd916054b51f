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
                ".jsonl" => [.. File.ReadLines(path).Index().Where(line => !string.IsNullOrWhiteSpace(line.Item)).Select(line => OfLine(line.Item, path, line.Index + 1, outputTokens))],
                _ => [.. File.ReadLines(path).Select(line => new LoadPrompt(line, null, outputTokens))],
            };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"cannot read prompts from {path}: {exception.Message}");
        }
    }

    private static LoadPrompt OfLine(string line, string path, int number, int outputTokens)
    {
        using var document = Parse(() => JsonDocument.Parse(line), path, number, "an object with \"prompt\"");
        var entry = DatasetEntry.Of(document.RootElement, $"{path}, line {number}");
        return new LoadPrompt(entry.Text("prompt"), null, entry.Count("output_len") ?? outputTokens);
    }

    private static List<LoadPrompt> Conversations(string path, int outputTokens)
    {
        using var stream = File.OpenRead(path);
        using var document = Parse(() => JsonDocument.Parse(stream), path, firstLine: 1, "a list of conversations");
        return
        [
            .. DatasetEntry.In(document.RootElement, path, "entry")
                .Select(entry => entry.List("conversations", "turn").FirstOrDefault(turn => turn.Text("from") is "human" or "user"))
                .OfType<DatasetEntry>()
                .Select(turn => new LoadPrompt(turn.Text("value"), null, outputTokens))
        ];
    }

    /// <param name="firstLine">Where in the file the text begins that is parsed.</param>
    private static JsonDocument Parse(Func<JsonDocument> parse, string path, long firstLine, string wanted)
    {
        try
        {
            return parse();
        }
        catch (JsonException exception)
        {
            throw new UserErrorException($"{path} cannot be read as JSON from {JsonWords.PlaceOf(exception, firstLine)} on; {wanted} is wanted");
        }
    }
}
