using System.Text.Json;
using Pipeline.Coordinator.Cli;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Cli;

public class PlanCommandTests
{
    [Fact]
    public async Task Plan_TinyMixtral_IsTheKnownText()
    {
        var run = await Plan("--stages", "3", "--device", "cuda", "--memory-per-stage", "10MiB");

        Assert.Equal(ExitCode.Success, run.ExitCode);
        Assert.Equal(
            """
            tiny-mixtral: 8 layers on 3 stages, 12.0 MiB of weights in bf16

            stage  layers  count  beside layers  tensors  weights  KV per token   work  cache room  tokens
                0    0..2      3  embedding           58  4.7 MiB         768 B  33.3%     5.3 MiB   7,232
                1    3..5      3                      57  3.9 MiB         768 B  33.3%     6.1 MiB   8,256
                2    6..7      2  norm, head          40  3.4 MiB         512 B  33.3%     6.6 MiB  13,552

            imbalance 1.000 (busiest stage over mean): stage 0 sets the pace
            cache: stage 0 decides: 7,232 tokens in blocks of 16, 3.42 sequences of 4,096 tokens

            """,
            run.Output);
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task Plan_Json_IsOneDocumentThatAgreesWithTheFiles()
    {
        var run = await Plan("--stages", "4", "--device", "cuda", "--json");
        var stages = run.Json.GetProperty("stages").EnumerateArray().ToArray();

        Assert.Equal(ExitCode.Success, run.ExitCode);
        Assert.Equal("bf16", run.Json.GetProperty("element_type").GetString());
        Assert.Equal([2, 2, 2, 2], stages.Select(stage => stage.GetProperty("layers").GetProperty("count").GetInt32()));
        var (tensors, bytes) = Checkpoint();
        Assert.Equal(tensors, stages.Sum(stage => stage.GetProperty("tensors").GetInt32()));
        Assert.Equal(bytes, run.Json.GetProperty("weight_bytes").GetInt64());
        Assert.Equal(JsonValueKind.Null, run.Json.GetProperty("cache").ValueKind);
    }

    [Theory]
    [InlineData("--stages")]
    [InlineData("-pp")]
    [InlineData("--pipeline-parallel-size")]
    public async Task Plan_AliasesOfStages_MeanTheSame(string name) =>
        Assert.Equal((await Plan("--stages", "3")).Output, (await Plan(name, "3")).Output);

    [Theory]
    [InlineData("cost", new[] { 1, 2, 2, 1 })]
    [InlineData("even", new[] { 2, 2, 1, 1 })]
    public async Task Plan_Policies_CutAsTheySay(string policy, int[] expected) =>
        Assert.Equal(expected, await Counts("--model", Fixtures.At("random-mistral"), "--stages", "4", "--partition", policy));

    [Fact]
    public async Task Plan_ExplicitLayers_AreTaken()
    {
        var counts = await Counts("--layers-per-stage", "3,2,2,1");
        Assert.Equal([3, 2, 2, 1], counts);
    }

    [Theory]
    [InlineData(new[] { "--stages", "9" }, "cannot cut 8 layers of tiny-mixtral into 9 stages")]
    [InlineData(new[] { "--layers-per-stage", "3,2,2" }, "sum to 7, but tiny-mixtral has 8 layers")]
    [InlineData(new[] { "--layers-per-stage", "4,4", "--stages", "3" }, "name 2 stages, but 3 were asked for")]
    [InlineData(new[] { "--layers-per-stage", "4,4", "--partition", "even" }, "leave out --partition")]
    [InlineData(new string[0], "--stages N")]
    [InlineData(new[] { "--stages", "2", "--model", "no/such/model" }, "no/such/model")]
    public async Task Plan_Impossible_IsOneClearLine(string[] arguments, string message)
    {
        var run = await Plan(arguments);

        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Empty(run.Output);
        Assert.StartsWith("error: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("1MiB", "needs 6.8 MiB for its weights, it has 1 MiB")]
    [InlineData("10MiB", "not one sequence of 4,096 tokens")]
    public async Task Plan_TooLittleMemory_AnswersNoAndWhy(string memory, string reason)
    {
        var text = await Plan("--stages", "3", "--memory-per-stage", memory);
        var json = await Plan("--stages", "3", "--memory-per-stage", memory, "--json");

        Assert.Equal(ExitCode.Failure, text.ExitCode);
        Assert.Contains(reason, text.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failure, json.ExitCode);
        Assert.False(json.Json.GetProperty("cache").GetProperty("fits").GetBoolean());
    }

    [Theory]
    [InlineData("f32")]
    [InlineData("f32", "--device", "cpu,cpu")]
    [InlineData("bf16", "--device", "cuda:3")]
    [InlineData("bf16", "--device", "cpu,cuda:0")]
    [InlineData("f32", "--device", "cuda", "--dtype", "f32")]
    public async Task Plan_NoType_CountsWhatRunWouldLoadOnTheDevices(string expected, params string[] arguments)
    {
        var plan = await Plan(["--stages", "2", "--json", .. arguments]);

        Assert.Equal(expected, plan.Json.GetProperty("element_type").GetString());
    }

    [Fact]
    public async Task Plan_Float32_DoublesWeightsAndCache()
    {
        var half = (await Plan("--stages", "2", "--dtype", "bf16", "--json")).Json;
        var full = (await Plan("--stages", "2", "--dtype", "f32", "--json")).Json;

        Assert.Equal(2 * half.GetProperty("weight_bytes").GetInt64(), full.GetProperty("weight_bytes").GetInt64());
        Assert.Equal(
            2 * half.GetProperty("stages")[0].GetProperty("kv_bytes_per_token").GetInt64(),
            full.GetProperty("stages")[0].GetProperty("kv_bytes_per_token").GetInt64());
    }

    [Fact]
    public async Task Plan_ShorterSequences_FitMoreOften()
    {
        var longest = (await Plan("--stages", "2", "--memory-per-stage", "20MiB", "--json")).Json.GetProperty("cache");
        var shorter = (await Plan("--stages", "2", "--memory-per-stage", "20MiB", "--max-model-len", "512", "--block-size", "32", "--json")).Json.GetProperty("cache");

        Assert.Equal(512, shorter.GetProperty("max_model_length").GetInt32());
        Assert.Equal(32, shorter.GetProperty("block_size").GetInt32());
        Assert.True(shorter.GetProperty("sequences").GetDouble() > longest.GetProperty("sequences").GetDouble());
    }

    private static Task<CommandLineRun> Plan(params string[] arguments) =>
        CommandLineRun.Of(arguments.Contains("--model") ? ["plan", .. arguments] : ["plan", "--model", Fixtures.TinyMixtral, .. arguments]);

    private static async Task<int[]> Counts(params string[] arguments) =>
        [.. (await Plan([.. arguments, "--json"])).Json.GetProperty("stages").EnumerateArray()
            .Select(stage => stage.GetProperty("layers").GetProperty("count").GetInt32())];

    /// <summary>Tensors and bytes that really lie in the folder.</summary>
    private static (int Tensors, long Bytes) Checkpoint()
    {
        using var index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Fixtures.TinyMixtral, "model.safetensors.index.json")));
        return (index.RootElement.GetProperty("weight_map").EnumerateObject().Count(),
            index.RootElement.GetProperty("metadata").GetProperty("total_size").GetInt64());
    }
}
