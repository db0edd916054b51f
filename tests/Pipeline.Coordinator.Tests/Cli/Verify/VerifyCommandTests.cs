using Pipeline.Coordinator.Cli;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Cli.Verify;

/// <summary>What is refused before any process starts; the command's work is tested end to end.</summary>
public class VerifyCommandTests
{
    [Theory]
    [InlineData("--stages 1,9", "cannot cut 8 layers of tiny-mixtral into 9 stages; at most 8 stages")]
    [InlineData("--golden nowhere.safetensors", "no such golden file: nowhere.safetensors")]
    [InlineData("--golden {mistral}", "{mistral}: case0.logits has a vocabulary of 512, but tiny-mixtral has one of 2048: they are not of the same model")]
    [InlineData("--golden {tiny} --max-model-len 120", "case2 has 95 prompt tokens and 96 generated ones, together more than the context of 120 tokens")]
    [InlineData("--max-model-len 24", "a context of 24 tokens is too short for the built-in prompts; the shortest need 25")]
    [InlineData("--max-model-len 5000", "--max-model-len 5000 is more than the 4096 positions that tiny-mixtral was made for")]
    [InlineData("--model mixtral-8x7b", "mixtral-8x7b is a built-in shape without weights: name a folder with --model, or ask for random weights with --load-format dummy")]
    public async Task Verify_WhatCannotBe_SaysWhyAndStartsNothing(string line, string message)
    {
        string[] model = line.Contains("--model", StringComparison.Ordinal) ? [] : ["--model", Fixtures.TinyMixtral];

        var run = await CommandLineRun.Of([.. line.Split(' ').Select(WithPaths).Prepend("verify"), .. model]);

        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Equal($"error: {WithPaths(message)}\n", run.Error);
        Assert.Empty(run.Output);
    }

    [Theory]
    [InlineData("--stages 1,two", "--stages wants whole numbers from 1 to 1024 with commas between them, got '1,two'")]
    [InlineData("--chunk 7,whole", "--chunk wants whole numbers from 1 to 100000000 or the word all, with commas between them, got '7,whole'")]
    [InlineData("--chunk 0", "--chunk wants whole numbers from 1 to 100000000 or the word all, with commas between them, got '0'")]
    [InlineData("--tolerance -1", "--tolerance wants a number of 0 or more, or percents such as 3%, got '-1'")]
    [InlineData("--tolerance NaN", "--tolerance wants a number of 0 or more, or percents such as 3%, got 'NaN'")]
    [InlineData("--tolerance -3%", "--tolerance wants a number of 0 or more, or percents such as 3%, got '-3%'")]
    [InlineData("--tolerance %", "--tolerance wants a number of 0 or more, or percents such as 3%, got '%'")]
    public async Task Verify_BadUsage_SaysWhatWouldBeRight(string line, string message)
    {
        var run = await CommandLineRun.Of([.. line.Split(' ').Prepend("verify")]);

        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Equal($"error: {message}\nsee 'coordinator verify --help'\n", run.Error);
    }

    private static string WithPaths(string text) => text
        .Replace("{mistral}", Fixtures.At("random-mistral.golden.safetensors"), StringComparison.Ordinal)
        .Replace("{tiny}", Fixtures.At("tiny-mixtral.golden.safetensors"), StringComparison.Ordinal);
}
