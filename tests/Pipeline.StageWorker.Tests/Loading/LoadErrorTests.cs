using Pipeline.Protos.V1;
using Pipeline.Shared.Stages;
using TorchSharp;

namespace Pipeline.StageWorker.Tests.Loading;

/// <summary>Loads that cannot succeed say why in one line, leave nothing behind, and the next one succeeds.</summary>
public sealed class LoadErrorTests : IDisposable
{
    private static readonly Dictionary<string, (StageError Error, Action<LoadRequest> Mistake)> Mistakes = new()
    {
        ["load without a model"] = (StageError.Malformed, request => request.Model = null),
        ["no model has this shape: hidden_size is 0"] = (StageError.Malformed, request => request.Model.HiddenSize = 0),
        ["unknown element type 0 on the wire"] = (StageError.Malformed, request => request.ComputeType = Protos.V1.ElementType.Unspecified),
        ["unknown kernels 'magic'; there are auto, torch, cpu, cuda"] = (StageError.LoadFailed, request => request.Kernels = "magic"),
        ["stage 0 of 1 with layers 0..4 does not fit a model of 4 layers and a lease as stage 0 of 1"] = (StageError.Malformed, request => request.LayerEnd = 5),
        ["stage 0 of 1 with layers -1..3 does not fit a model of 4 layers and a lease as stage 0 of 1"] = (StageError.Malformed, request => request.LayerStart = -1),
        ["stage 0 of 1 with layers 4..3 does not fit a model of 4 layers and a lease as stage 0 of 1"] = (StageError.Malformed, request => request.LayerStart = 4),
        ["stage 1 of 2 with layers 0..3 does not fit a model of 4 layers and a lease as stage 0 of 1"] = (StageError.Malformed, request => (request.StageIndex, request.StageCount) = (1, 2)),
        ["checkpoint folder /not/there does not exist"] = (StageError.LoadFailed, request => (request.DummyWeights, request.Directory) = (false, "/not/there")),
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("pipeline-worker-").FullName;

    [Fact]
    public async Task Load_Mistakes_AreRefusedByNameAndKeepTheShardBefore()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        var tensors = torch.Tensor.TotalCount;
        foreach (var (message, (error, mistake)) in Mistakes)
        {
            var refusal = await Assert.ThrowsAsync<StageException>(() => stage.LoadAsync(mistake));
            Refusal.Is(error, message, refusal);
            Assert.Equal(tensors, torch.Tensor.TotalCount);
        }

        using var undisturbed = new LocalPipeline();
        var step = Script.Write()[0];
        Same.Results(undisturbed.Step(step), await stage.StepAsync(step));
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 }, "{0} is not a safetensors file or is truncated: 3 bytes, the header's length alone takes 8")]
    [InlineData(new byte[] { 9, 0, 0, 0, 0, 0, 0, 0, 123, 125 }, "{0} is truncated: its header should be 9 bytes long, 2 follow")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 1 }, "{0} is not a safetensors file: its header would be 72057594037927936 bytes long, at most 100000000 are allowed")]
    public async Task Load_CorruptHeader_IsRefusedWithTheFile(byte[] contents, string message)
    {
        var file = Path.Combine(_folder, "model.safetensors");
        await File.WriteAllBytesAsync(file, contents, TestContext.Current.CancellationToken);
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachWholeAsync(worker);
        var refusal = await Assert.ThrowsAsync<StageException>(() => stage.LoadAsync(FromFolder));
        Refusal.Is(StageError.LoadFailed, message.Replace("{0}", file, StringComparison.Ordinal), refusal);
        await stage.LoadAsync();
    }

    [Fact]
    public async Task Load_EmptyFolder_IsRefused()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachWholeAsync(worker);
        var refusal = await Assert.ThrowsAsync<StageException>(() => stage.LoadAsync(FromFolder));
        Assert.Equal(StageError.LoadFailed, refusal.Error);
        Assert.StartsWith($"{_folder} holds no weights; ", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>No machine has so many; on one without any, the message says that instead.</summary>
    [Fact]
    public async Task Load_DeviceThatIsNotThere_IsRefused()
    {
        await using var worker = await TestWorker.StartAsync(device: "cuda:77");
        await using var stage = await TestStage.AttachWholeAsync(worker);
        var refusal = await Assert.ThrowsAsync<StageException>(() => stage.LoadAsync());
        Assert.Equal(StageError.DeviceUnavailable, refusal.Error);
        Assert.Matches("^cuda:77 (is not available: this host has no NVIDIA driver|does not exist: this host has )", refusal.Message);
    }

    [Fact]
    public async Task Load_CpuKernelsInHalfPrecision_IsRefusedWithAdvice()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachWholeAsync(worker);
        var refusal = await Assert.ThrowsAsync<StageException>(() => stage.LoadAsync(request => request.Kernels = "cpu", Shared.Models.ElementType.BFloat16));
        Assert.Equal(StageError.LoadFailed, refusal.Error);
        Assert.EndsWith("here it is BFloat16 on cpu with 16. Use --kernels torch or --dtype f32", refusal.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void FromFolder(LoadRequest request) => (request.DummyWeights, request.Directory) = (false, _folder);
}
