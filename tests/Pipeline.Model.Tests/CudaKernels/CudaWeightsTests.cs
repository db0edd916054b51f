using Pipeline.Model.Checkpoints;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.Kernels;
using Pipeline.Model.Tests.Checkpoints;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit.Oracle;
using TorchSharp;

namespace Pipeline.Model.Tests.CudaKernels;

public class CudaWeightsTests
{
    private static readonly ModelConfig Sparse = CheckpointDirectory.Sparse with { HiddenSize = 64, IntermediateSize = 96, HeadDim = 64 };

    /// <summary>A model of random weights is the same model wherever its numbers were made.</summary>
    [Fact]
    public void Load_DummyWeights_AreThoseOfTheCpu()
    {
        var device = Gpu.Require();
        var config = TinyModels.Dense with { HeadDim = 64, HiddenSize = 64, WeightType = ElementType.BFloat16 };
        var assignment = new ShardAssignment(0, 1, new LayerRange(0, config.LayerCount));
        using var kernels = new CudaKernelSet(config, device, CubinCache.ForUser());
        using var made = new DummyWeights(config, assignment, 7, null);
        using var copied = new DummyWeights(config, assignment, 7, null);
        var slot = TensorSlot.OfLayer(TensorKind.DownProjection, 1);
        using var onDevice = (TorchLinearWeight)kernels.LoadLinear(made, slot);
        using var onHost = TensorLoader.Load(copied, [slot], ElementType.BFloat16, torch.CPU);
        using var back = onDevice.Tensor.cpu();
        Assert.True(back.bytes.SequenceEqual(onHost.bytes));
    }

    /// <summary>Read ahead, copied beside and converted on the device: the bits of the plain way, for every weight.</summary>
    [Theory]
    [InlineData(CheckpointLayout.HuggingFace)]
    [InlineData(CheckpointLayout.Mistral)]
    [InlineData(CheckpointLayout.MistralStackedExperts)]
    public void Load_Checkpoint_GivesTheBitsOfThePlainWay(CheckpointLayout layout)
    {
        var device = Gpu.Require();
        foreach (var type in (string[])["BF16", "F16", "F32"])
        {
            using var folder = CheckpointDirectory.Of(Sparse, layout, CheckpointDirectory.RandomWeights(Sparse, 3, type));
            using var checkpoint = Checkpoint.Open(folder.Path, Sparse, Shards.Whole(Sparse), null, null);
            using var plain = Checkpoint.Open(folder.Path, Sparse, Shards.Whole(Sparse), null, null);
            using var kernels = new CudaKernelSet(Sparse, device, CubinCache.ForUser());
            var loaded = Loaded(kernels, checkpoint);
            kernels.CompleteLoading(TestContext.Current.CancellationToken);
            checkpoint.Finish();
            Assert.All(loaded, weight => AssertEqual(plain, weight.Slots, weight.Tensor));
            loaded.ForEach(weight => weight.Tensor.Dispose());
        }
    }

    /// <summary>More pieces than there are buffers, so that each buffer is used again and again.</summary>
    [Theory]
    [InlineData("BF16")]
    [InlineData("F32")]
    public void Load_ManyPieces_OverwriteNothing(string type)
    {
        var device = Gpu.Require();
        var config = CheckpointDirectory.Dense with { HiddenSize = 64, HeadDim = 64, IntermediateSize = 64, VocabularySize = 600_007 };
        using var folder = new CheckpointDirectory().Write("model.safetensors", CheckpointDirectory.RandomWeights(config, 4, type));
        using var checkpoint = Checkpoint.Open(folder.Path, config, Shards.Whole(config), null, null);
        using var plain = Checkpoint.Open(folder.Path, config, Shards.Whole(config), null, null);
        using var kernels = new CudaKernelSet(config, device, CubinCache.ForUser());
        TensorSlot[] slots = [TensorSlot.OfModel(TensorKind.Embedding), TensorSlot.OfModel(TensorKind.Head)];
        var loaded = slots.Select(slot => kernels.LoadEmbedding(checkpoint, slot)).ToList();
        kernels.CompleteLoading(TestContext.Current.CancellationToken);
        Assert.All(slots.Zip(loaded), weight => AssertEqual(plain, [weight.First], weight.Second));
        loaded.ForEach(tensor => tensor.Dispose());
    }

    [Fact]
    public void Load_Cancelled_EndsAndGivesBack()
    {
        var device = Gpu.Require();
        using var folder = CheckpointDirectory.Of(Sparse, CheckpointLayout.HuggingFace, CheckpointDirectory.RandomWeights(Sparse, 5));
        using var checkpoint = Checkpoint.Open(folder.Path, Sparse, Shards.Whole(Sparse), null, null);
        var kernels = new CudaKernelSet(Sparse, device, CubinCache.ForUser());
        Assert.ThrowsAny<OperationCanceledException>(() => ModelShardLoader.Load(Sparse, Shards.Whole(Sparse), checkpoint, kernels, new CancellationToken(canceled: true)));
    }

    private static List<(TensorSlot[] Slots, torch.Tensor Tensor)> Loaded(CudaKernelSet kernels, Checkpoint checkpoint)
    {
        var loaded = new List<(TensorSlot[], torch.Tensor)>();
        void Linear(params TensorSlot[] slots) => loaded.Add((slots, ((TorchLinearWeight)kernels.LoadLinear(checkpoint, slots)).Tensor));
        void Vector(TensorSlot slot) => loaded.Add(([slot], kernels.LoadVector(checkpoint, slot)));
        loaded.Add(([TensorSlot.OfModel(TensorKind.Embedding)], kernels.LoadEmbedding(checkpoint, TensorSlot.OfModel(TensorKind.Embedding))));
        for (var layer = 0; layer < Sparse.LayerCount; layer++)
        {
            TensorSlot At(TensorKind kind) => TensorSlot.OfLayer(kind, layer);
            Vector(At(TensorKind.AttentionNorm));
            Linear(At(TensorKind.QueryProjection), At(TensorKind.KeyProjection), At(TensorKind.ValueProjection));
            Linear(At(TensorKind.OutputProjection));
            Vector(At(TensorKind.FeedForwardNorm));
            var experts = (CudaExpertWeights)kernels.LoadExperts(checkpoint, layer, Sparse.Moe!);
            loaded.Add(([ExpertSlots.Router(layer)], experts.Router.Tensor));
            var all = Enumerable.Range(0, Sparse.Moe!.ExpertCount).ToList();
            loaded.Add(([.. all.SelectMany(expert => ExpertSlots.GateUp(layer, expert))], experts.GateUp));
            loaded.Add(([.. all.Select(expert => ExpertSlots.Down(layer, expert))], experts.Down));
        }

        Vector(TensorSlot.OfModel(TensorKind.FinalNorm));
        Linear(TensorSlot.OfModel(TensorKind.Head));
        return loaded;
    }

    private static void AssertEqual(Checkpoint plain, TensorSlot[] slots, torch.Tensor onDevice)
    {
        using var back = onDevice.cpu();
        Assert.True(back.bytes.SequenceEqual(slots.SelectMany(slot => plain.ReadAll(slot, ElementType.BFloat16)).ToArray()), string.Join(", ", slots));
    }
}
