using System.Text.Json;
using Pipeline.Coordinator.Cli;
using Pipeline.Coordinator.Lessons;

namespace Pipeline.Coordinator.Tests.Cli.Explain;

public class ExplainCommandTests
{
    [Fact]
    public async Task Mask_Text_IsTheLesson() => await AssertPrints(
        MaskText.Render(MaskLesson.Of(3, [3, 5], [7, 3], ringSlots: null)), "mask", "--window", "3", "--seqlens", "3,5", "--cached", "7,3");

    [Fact]
    public async Task Mask_WithoutCached_StartsFromNothing() => await AssertPrints(
        MaskText.Render(MaskLesson.Of(3, [7, 5, 6], [0, 0, 0], ringSlots: null)), "mask", "-w", "3", "--seqlens", "7,5,6");

    [Fact]
    public async Task Mask_Ring_DrawsSlots() => await AssertPrints(
        MaskText.Render(MaskLesson.Of(6, [1, 1], [2, 4], ringSlots: 6)), "mask", "--window", "6", "--seqlens", "1,1", "--cached", "2,4", "--ring", "6");

    [Fact]
    public async Task Cache_Text_IsTheLesson() => await AssertPrints(
        CacheText.Render(CacheLesson.Of(4, 3, ["The", "cat", "sat"])), "cache", "--window", "4", "--tokens", " The cat  sat ", "--block-size", "3");

    [Fact]
    public async Task ReceptiveField_Text_IsTheLesson() => await AssertPrints(
        ReceptiveFieldText.Render(ReceptiveFieldLesson.Of(4, 3, ["the", "cat"])), "receptive-field", "--layers", "4", "--window", "3", "--tokens", "the cat");

    [Fact]
    public async Task Routing_NegativeLogits_AreNumbersNotFlags() => await AssertPrints(
        RoutingText.Render(RoutingLesson.Of([-0.6f, 1.5f, -1.2f], 1)), "routing", "--logits", "-0.6,1.5,-1.2", "--top-k", "1");

    [Fact]
    public async Task Schedule_Text_IsTheLesson()
    {
        await AssertPrints(ScheduleText.Render(ScheduleLesson.Prefill(4, 4)), "schedule");
        await AssertPrints(
            ScheduleText.Render(ScheduleLesson.Decode(4, 2, 5)), "schedule", "--stages", "4", "--microbatches", "2", "--mode", "decode", "--steps", "5");
    }

    [Theory]
    [InlineData("mask --window 3 --seqlens 2,1", "rows")]
    [InlineData("cache --window 4", "steps")]
    [InlineData("receptive-field --window 3", "layers")]
    [InlineData("routing --logits 1,2,3", "experts")]
    [InlineData("schedule", "cells")]
    [InlineData("schedule --mode decode", "cells")]
    public async Task AnyLesson_Json_IsOneDocument(string line, string property)
    {
        var run = await CommandLineRun.Of(["explain", .. line.Split(' '), "--json"]);

        Assert.Equal(ExitCode.Success, run.ExitCode);
        Assert.Empty(run.Error);
        Assert.NotEqual(0, run.Json.GetProperty(property).GetArrayLength());
    }

    [Fact]
    public async Task Schedule_Json_SpellsTheModeAsTheOptionDoes() =>
        Assert.Equal("decode", (await CommandLineRun.Of("explain", "schedule", "--mode", "decode", "--json")).Json.GetProperty("mode").GetString());

    [Fact]
    public async Task Mask_Json_HasTheGrid()
    {
        var rows = (await CommandLineRun.Of("explain", "mask", "--window", "2", "--seqlens", "3", "--json")).Json.GetProperty("rows");
        Assert.Equal(["0..", "00.", ".00"], rows.EnumerateArray().Select((JsonElement row) => row.GetProperty("keys").GetString()));
    }

    [Theory]
    [InlineData("mask --window 3 --seqlens 7,5 --cached 1", "2 sequences have new tokens but 1")]
    [InlineData("routing --logits 1,2 --top-k 3", "cannot choose 3 of 2 experts")]
    [InlineData("cache --window 0", "--window wants a whole number from 1 to 1000000, got '0'")]
    [InlineData("schedule --stages 65", "--stages wants a whole number from 1 to 64, got '65'")]
    public async Task AnyLesson_Nonsense_IsBadInput(string line, string message)
    {
        var run = await CommandLineRun.Of(["explain", .. line.Split(' ')]);

        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    private static async Task AssertPrints(string expected, params string[] arguments)
    {
        var run = await CommandLineRun.Of(["explain", .. arguments]);
        Assert.Equal(expected, run.Output);
        Assert.Empty(run.Error);
        Assert.Equal(ExitCode.Success, run.ExitCode);
    }
}
