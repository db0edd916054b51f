using Pipeline.Coordinator.Cli;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Cli.Run;

/// <summary>What <c>run</c> refuses before it starts a process.</summary>
public class RunCommandTests
{
    [Theory]
    [InlineData("random-mistral", "--stop x", "--stop is text, and random-mistral has no tokenizer here to make any; leave it out")]
    [InlineData("random-mistral", "--dtype f16", "--dtype f16 is not for weights stored as f32; use --dtype f32 or bf16")]
    [InlineData("random-mistral", "--dtype f16 --load-format dummy", "--dtype f16 is not for weights stored as f32; use --dtype f32 or bf16")]
    public async Task Run_WhatCannotBe_IsRefused(string model, string flags, string error)
    {
        var run = await CommandLineRun.Of(["run", "--model", Fixtures.At(model), "--prompt-ids", "1,5,9", "-n", "1", .. flags.Split(' ')]);

        Assert.Equal((ExitCode.BadInput, $"error: {error}\n"), (run.ExitCode, run.Error));
    }
}
