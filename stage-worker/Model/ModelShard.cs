using Pipeline.Model.Caching;
using Pipeline.Model.Kernels;
using Pipeline.Model.Layers;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using TorchSharp;

namespace Pipeline.Model;

/// <summary>
/// A contiguous part of the decoder with its cache: the embedding if it is first, its layers, the head if it is last. Holds
/// weights and cache only; everything about a step comes in with its layout. Not thread-safe: one thread computes.
/// </summary>
public sealed class ModelShard : IDisposable
{
    private readonly IKernelSet _kernels;
    private readonly torch.Tensor? _embedding;
    private readonly DecoderLayer[] _layers;
    private readonly LmHead? _head;
    private PagedKvCache? _cache;

    internal ModelShard(ModelConfig config, ShardAssignment assignment, IKernelSet kernels, torch.Tensor? embedding, DecoderLayer[] layers, LmHead? head)
    {
        Config = config;
        Assignment = assignment;
        _kernels = kernels;
        _embedding = embedding;
        _layers = layers;
        _head = head;
    }

    public ModelConfig Config { get; }

    public ShardAssignment Assignment { get; }

    public IKernelSet Kernels => _kernels;

    /// <summary>Bytes of the weights as this shard holds them.</summary>
    public long WeightBytes => (_embedding is null ? 0 : Bytes(_embedding)) + _layers.Sum(layer => layer.WeightBytes) + (_head?.WeightBytes ?? 0);

    /// <summary>The cache; <see cref="AllotCache"/> comes first.</summary>
    public PagedKvCache Cache => _cache ?? throw new InvalidOperationException("the cache is not allotted yet");

    /// <summary>Takes the memory of the cache, after giving back that of the one before.</summary>
    public void AllotCache(KvCacheSpec spec)
    {
        _cache?.Dispose();
        _cache = null;
        _cache = new PagedKvCache(Config, spec, Assignment.Layers, _kernels.ElementType, _kernels.Device);
    }

    /// <summary>One step. The first shard takes the layout's tokens, the others hidden states; the one dispose scope is here.</summary>
    public ShardOutput Forward(StepLayout layout, HiddenStates? hidden)
    {
        if (layout.Rows == 0)
        {
            return _head is null ? new ShardOutput(HiddenStates.Rent(0, Config.HiddenSize, _kernels.ElementType), null) : new ShardOutput(null, []);
        }

        using var noGradient = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var residual = hidden is null ? _kernels.Embed(_embedding!, layout.Tokens) : HiddenStatesTensor.ToTensor(hidden, _kernels.Device); // [rows, hidden]
        torch.Tensor? delta = null;
        for (var i = 0; i < _layers.Length; i++)
        {
            delta = _layers[i].Forward(residual, delta, Cache[Assignment.Layers.Start + i], layout);
        }

        if (_head is not null)
        {
            return new ShardOutput(null, SliceScorer.Score(_head, residual, delta, layout));
        }

        if (delta is not null)
        {
            residual.add_(delta, Scalars.One);
        }

        return new ShardOutput(HiddenStatesTensor.FromTensor(residual, _kernels.ElementType), null);
    }

    internal static long Bytes(torch.Tensor tensor) => tensor.NumberOfElements * tensor.ElementSize;

    public void Dispose()
    {
        _cache?.Dispose();
        _embedding?.Dispose();
        foreach (var layer in _layers)
        {
            layer.Dispose();
        }

        _head?.Dispose();
        _kernels.Dispose();
    }
}
