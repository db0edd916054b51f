using Pipeline.Coordinator.Cli;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Cli.Bench;

public class BenchOptionsTests
{
    [Theory]
    [InlineData("--stages 1,x", "--stages wants whole numbers from 1 to 1024 with commas between them, got '1,x'")]
    [InlineData("--stages 9", "cannot cut 8 layers")]
    [InlineData("-p 0 -n 0", "nothing to test: --prompt-tokens and --gen-tokens are both 0")]
    [InlineData("-p 4096", "pp4096 needs 4097 positions for each sequence")]
    [InlineData("-n 64 -d 4032", "tg64@4032 needs 4097 positions for each sequence")]
    [InlineData("--batch 65", "pp512 x65 has 65 sequences at the same time, the pipeline takes 64; raise --max-num-seqs")]
    [InlineData("--max-model-len 512", "pp512 needs 513 positions for each sequence, the context ends at 512; raise --max-model-len")]
    [InlineData("--stages 2 --workers 127.0.0.1:1", "--workers names 1 worker, but --stages asks for 2")]
    [InlineData("--bandwidth 0", "--bandwidth wants a number above 0, got '0'")]
    [InlineData("-o xml", "-o wants one of md, csv, json, got 'xml'")]
    [InlineData("--json -o csv", "--json and --output contradict each other; leave one out")]
    [InlineData("--plot chart.png", "--plot wants the name of a file that ends in .svg, got 'chart.png'")]
    [InlineData("--plot no-such-folder/chart.svg", "cannot write the chart: Could not find a part of the path")]
    [InlineData("--model bench-125m", "bench-125m is a built-in shape without weights")]
    public async Task Bench_WhatCannotBeMeasured_IsRefusedBeforeAnythingStarts(string arguments, string expected)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var model = arguments.Contains("--model ", StringComparison.Ordinal) ? "" : $"--model {Fixtures.TinyMixtral} ";
        var exit = await new CoordinatorApp(new Terminal(output, error)).RunAsync(["bench", .. $"{model}{arguments}".Split(' ')], TestContext.Current.CancellationToken);
        Assert.Equal(ExitCode.BadInput, exit);
        Assert.Contains(expected, error.ToString(), StringComparison.Ordinal);
        Assert.Empty(output.ToString());
    }
}
