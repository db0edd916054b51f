using Pipeline.Protos.V1;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;
using TorchSharp;

namespace Pipeline.StageWorker.Tests.Sessions;

/// <summary>A start that does not fit is refused by name and takes nothing away.</summary>
public class StartTests
{
    private static readonly Dictionary<string, Action<StartRequest>> Mistakes = new()
    {
        ["block size 0"] = request => request.BlockSize = 0,
        ["block size -4"] = request => request.BlockSize = -4,
        ["at most 0 tokens a step"] = request => request.MaxBatchTokens = 0,
        ["0 cache groups for a model with 2 different windows"] = request => request.Groups.Clear(),
        ["1 cache groups for a model with 2 different windows"] = request => request.Groups.RemoveAt(1),
        ["3 cache groups for a model with 2 different windows"] = request => request.Groups.Add(request.Groups[0].Clone()),
        ["cache groups with windows 0, 5 for a model with 0, 4 (0 is none)"] = request => request.Groups[1].Window = 5,
        ["cache groups with windows 4, 0 for a model with 0, 4 (0 is none)"] = request =>
        {
            (request.Groups[0].Window, request.Groups[1].Window) = (4, 0);
        },
        ["a cache group without blocks"] = request => request.Groups[0].BlockCount = 0,
        ["the last stage has no next one"] = request => request.NextAddress = "127.0.0.1:1",
    };

    [Fact]
    public async Task Start_Malformed_IsRefusedByNameAndLeavesTheEpoch()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        using var undisturbed = new LocalPipeline();
        var steps = Script.Write();
        Same.Results(undisturbed.Step(steps[0]), await stage.StepAsync(steps[0]));
        await stage.CompleteAsync();
        foreach (var (problem, mistake) in Mistakes)
        {
            var refusal = await Assert.ThrowsAsync<StageException>(() => stage.StartAsync(change: mistake));
            Refusal.Is(StageError.Malformed, $"start refused: {problem}", refusal);
            Assert.Equal(0, refusal.StageIndex);
        }

        Same.Results(undisturbed.Step(steps[1]), await stage.StepAsync(steps[1]));
    }

    [Fact]
    public async Task Start_RingWithoutBlocks_IsRefused()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachWholeAsync(worker);
        await stage.LoadAsync();
        var refusal = await Assert.ThrowsAsync<StageException>(() => stage.StartAsync(change: request => request.Groups[1].RingBlocks = 0));
        Refusal.Is(StageError.Malformed, "start refused: a cache group without blocks", refusal);
    }

    [Theory]
    [InlineData("", "only the last stage has no next one")]
    [InlineData("here", "the next stage's address 'here' is not host:port")]
    [InlineData("not a host:80", "the next stage's address 'not a host:80' is not host:port")]
    [InlineData("127.0.0.1:0", "the next stage's address '127.0.0.1:0' is not host:port")]
    public async Task Start_FirstStageWithoutAUsableNeighbour_IsRefused(string next, string problem)
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachAsync(worker, new ShardAssignment(0, 2, new LayerRange(0, 2)));
        await stage.LoadAsync();
        var refusal = await Assert.ThrowsAsync<StageException>(() => stage.StartAsync(next));
        Refusal.Is(StageError.Malformed, $"start refused: {problem}", refusal);
    }

    /// <summary>What does not fit into memory is refused with advice; the old cache is gone by then, and the stage says so.</summary>
    [Fact]
    public async Task Start_CacheTooLarge_IsRefusedAndASmallerOneStillFits()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        var steps = Script.Write();
        var tensors = torch.Tensor.TotalCount;

        // The windowed group comes second: the first layer's cache still fits.
        var refusal = await Assert.ThrowsAsync<StageException>(() => stage.StartAsync(change: request => request.Groups[1].BlockCount = int.MaxValue));
        Assert.Equal(StageError.OutOfMemory, refusal.Error);
        Assert.StartsWith("cannot allot the cache: ", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith("; ask for fewer sequences or a shorter context", refusal.Message, StringComparison.Ordinal);
        Refusal.Is(StageError.NotReady, "the stage is not started yet", await stage.RefusalAsync(steps[0]));
        await stage.StartAsync();
        Assert.Equal(tensors, torch.Tensor.TotalCount);
        using var undisturbed = new LocalPipeline();
        Same.Results(undisturbed.Step(steps[0]), await stage.StepAsync(steps[0]));
    }

    /// <summary>Keys and values of every layer, and not more.</summary>
    [Fact]
    public async Task Start_Reply_TellsTheBytesOfTheCache()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachWholeAsync(worker);
        await stage.LoadAsync();
        var positions = Models.Spec.Groups.Sum(group => 2L * group.BlockCount * Models.Spec.BlockSize);
        Assert.Equal(2 * positions * Models.Config.KvHeadCount * Models.Config.HeadDim * sizeof(float), (await stage.StartAsync()).CacheBytes);
    }
}
