using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Tests.LoadGeneration;

public class PromptFileTests
{
    [Theory]
    [InlineData("prompts.txt", "one\n\ntwo words\n", "one:9 two words:9")]
    [InlineData("prompts.jsonl", "{\"prompt\":\"one\"}\n{\"prompt\":\"two words\",\"output_len\":3}\n", "one:9 two words:3")]
    [InlineData("prompts.json", """[{"conversations":[{"from":"system","value":"no"},{"from":"human","value":"one"},{"from":"gpt","value":"no"}]},{"conversations":[]}]""", "one:9")]
    public void Load_EachForm_HasItsPrompts(string name, string content, string expected)
    {
        var prompts = Load(name, content, count: 2);
        Assert.Equal(expected, string.Join(' ', prompts.Distinct().OrderBy(prompt => prompt.Text, StringComparer.Ordinal).Select(prompt => $"{prompt.Text}:{prompt.OutputTokens}")));
    }

    [Fact]
    public void Load_FewerThanWanted_ComeAgainInTheOrderOfTheSeed()
    {
        var lines = string.Join('\n', Enumerable.Range(0, 40));
        var prompts = Load("prompts.txt", lines, count: 80).Select(prompt => prompt.Text).ToList();
        Assert.Equal(prompts[..40], prompts[40..]);
        Assert.Equal(40, prompts.Distinct().Count());
        Assert.Equal(prompts, Load("prompts.txt", lines, count: 80).Select(prompt => prompt.Text));
        Assert.NotEqual(prompts, Load("prompts.txt", lines, count: 80, seed: 8).Select(prompt => prompt.Text));
    }

    [Theory]
    [InlineData("prompts.txt", "\n \n", "has no prompts in it")]
    [InlineData("prompts.jsonl", "{\"prompt\":\"one\"}\n\n{\"prompt\"\n", "prompts.jsonl cannot be read as JSON from line 3, byte 10 on; an object with \"prompt\" is wanted")]
    [InlineData("prompts.jsonl", "\n[1]\n", "prompts.jsonl, line 2 is [1]; an object is wanted")]
    [InlineData("prompts.jsonl", "{\"text\":\"one\"}\n", "prompts.jsonl, line 1: prompt is missing; a text is wanted")]
    [InlineData("prompts.jsonl", "{\"prompt\":5}\n", "prompts.jsonl, line 1: prompt is 5; a text is wanted")]
    [InlineData("prompts.jsonl", "{\"prompt\":\"\\ud800\"}\n", "prompts.jsonl, line 1: prompt is \"\\ud800\"; a text is wanted")]
    [InlineData("prompts.jsonl", "{\"prompt\":\"one\",\"output_len\":0}\n", "prompts.jsonl, line 1: output_len is 0; a whole number above 0 is wanted")]
    [InlineData("prompts.json", "{}", "prompts.json is {}; a list is wanted")]
    [InlineData("prompts.json", "[\n{", "prompts.json cannot be read as JSON from line 2, byte 2 on; a list of conversations is wanted")]
    [InlineData("prompts.json", """[{"conversations":[]},{"x":1}]""", "prompts.json, entry 2: conversations is missing; a list of turns is wanted")]
    [InlineData("prompts.json", """[{"conversations":5}]""", "prompts.json, entry 1: conversations is 5; a list of turns is wanted")]
    [InlineData("prompts.json", """[{"conversations":[{"value":"one"}]}]""", "prompts.json, entry 1, turn 1: from is missing; a text is wanted")]
    [InlineData("prompts.json", """[{"conversations":[{"from":"human","value":[]}]}]""", "prompts.json, entry 1, turn 1: value is []; a text is wanted")]
    public void Load_WhatHasNoPrompts_IsTheUsersToMend(string name, string content, string expected) =>
        Assert.Contains(expected, Assert.Throws<UserErrorException>(() => Load(name, content, count: 1)).Message, StringComparison.Ordinal);

    [Fact]
    public void Load_NoSuchFile_IsTheUsersToMend() =>
        Assert.Contains("no-such-file.txt", Assert.Throws<UserErrorException>(() => PromptFile.Load("no-such-file.txt", 1, 1, 0)).Message, StringComparison.Ordinal);

    private static IReadOnlyList<LoadPrompt> Load(string name, string content, int count, ulong seed = 7)
    {
        var folder = Directory.CreateTempSubdirectory("prompts-");
        try
        {
            var path = Path.Combine(folder.FullName, name);
            File.WriteAllText(path, content);
            return PromptFile.Load(path, count, outputTokens: 9, seed);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
