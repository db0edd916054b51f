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
    private readonly ShardBody _body;

    internal ModelShard(ModelConfig config, ShardAssignment assignment, IKernelSet kernels, ShardBody body)
    {
        Config = config;
        Assignment = assignment;
        _kernels = kernels;
        _body = body;
    }

    public ModelConfig Config { get; }

    public ShardAssignment Assignment { get; }

    public IKernelSet Kernels => _kernels;

    /// <summary>Bytes of the weights as this shard holds them.</summary>
    public long WeightBytes => _body.WeightBytes;

    /// <summary>The cache; <see cref="AllotCache"/> comes first.</summary>
    public PagedKvCache Cache => _body.Cache;

    /// <summary>Takes the memory of the cache, after giving back that of the one before.</summary>
    public void AllotCache(KvCacheSpec spec)
    {
        _body.TakeCache(null);
        _body.TakeCache(new PagedKvCache(Config, spec, Assignment.Layers, _kernels.ElementType, _kernels.Device));
        _kernels.UseCache(spec);
    }

    /// <summary>One step, waited for.</summary>
    public ShardOutput Forward(StepLayout layout, HiddenStates? hidden) => Begin(layout, hidden).Finish();

    /// <summary>
    /// Begins a step. The first shard takes the layout's tokens, the others hidden states, which are kept until the step is over;
    /// the one dispose scope is here.
    /// </summary>
    public ShardStep Begin(StepLayout layout, HiddenStates? hidden)
    {
        if (layout.Rows == 0)
        {
            return ShardStep.Of(Assignment.IsLast ? new ShardOutput(null, []) : new ShardOutput(HiddenStates.Rent(0, Config.HiddenSize, _kernels.ElementType), null));
        }

        using var noGradient = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        return _kernels.Begin(_body, layout, hidden);
    }

    internal static long Bytes(torch.Tensor tensor) => tensor.NumberOfElements * tensor.ElementSize;

    public void Dispose()
    {
        _body.Dispose();
        _kernels.Dispose();
    }
}
