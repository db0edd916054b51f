using Pipeline.Model.Caching;
using Pipeline.Protos.V1;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;
using Pipeline.StageWorker.Execution;
using TorchSharp;
using ElementType = Pipeline.Shared.Models.ElementType;

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

    /// <summary>What cannot fit into memory is refused with advice, and what runs goes on.</summary>
    [Fact]
    public async Task Start_CacheTooLarge_IsRefusedAndChangesNothing()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        using var undisturbed = new LocalPipeline();
        var steps = Script.Write();
        var tensors = torch.Tensor.TotalCount;

        var refusal = await Assert.ThrowsAsync<StageException>(() => stage.StartAsync(change: request => request.Groups[1].BlockCount = int.MaxValue));
        Assert.Equal(StageError.OutOfMemory, refusal.Error);
        Assert.StartsWith("the cache takes 4398046640128 bytes, this host has ", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith("; ask for fewer sequences or a shorter context", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(tensors, torch.Tensor.TotalCount);
        Same.Results(undisturbed.Step(steps[0]), await stage.StepAsync(steps[0]));
    }

    /// <summary>Where the system itself says no, in the middle of it: the windowed group comes second, the first layer's cache still fits.</summary>
    [Fact]
    public void Cache_ThatTheSystemRefuses_LeavesNothing()
    {
        using var library = new LocalPipeline();
        var tensors = torch.Tensor.TotalCount;
        var spec = Models.Spec with { Groups = [Models.Spec.Groups[0], Models.Spec.Groups[1] with { BlockCount = int.MaxValue }] };
        var failure = Assert.ThrowsAny<Exception>(() => new PagedKvCache(Models.Config, spec, new LayerRange(0, Models.Config.LayerCount), ElementType.Float32, torch.CPU));
        Assert.Equal(StageError.OutOfMemory, ComputeFailures.Classify(failure));
        Assert.Equal(tensors, torch.Tensor.TotalCount);
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
