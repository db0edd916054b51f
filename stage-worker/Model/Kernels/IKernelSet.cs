using Pipeline.Model.Caching;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.DeviceHops;
using Pipeline.Model.Layers;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Kernels;

/// <summary>
/// The operations a decoder is made of, from attention to the fused steps around it. Implementations differ in speed and
/// device, not in meaning: plain TorchSharp operations (any device, the oracle), and kernels written for one device.
/// Tensors that are returned belong to the caller's dispose scope.
/// </summary>
public interface IKernelSet : IDisposable
{
    /// <summary>Shown in tables: torch, cpu, cuda.</summary>
    string Name { get; }

    torch.Device Device { get; }

    /// <summary>Why not faster ones that the device could have; empty where there are none.</summary>
    string Remark => "";

    /// <summary>For the order among processes that share the device; null where that would gain nothing.</summary>
    IDeviceTurn? Turn => null;

    /// <summary>Type of weights, activations and cache.</summary>
    ElementType ElementType { get; }

    /// <summary>Builds one projection <c>[sum of rows, columns]</c> from the rows of several tensors, one below the other.</summary>
    LinearWeight LoadLinear(IWeightSource source, params IReadOnlyList<TensorSlot> slots);

    /// <summary>Builds the router and experts of a sparse layer.</summary>
    ExpertWeights LoadExperts(IWeightSource source, int layer, MoeConfig moe);

    /// <summary>Builds a vector, for instance the weight of a norm.</summary>
    torch.Tensor LoadVector(IWeightSource source, TensorSlot slot);

    /// <summary>Builds the embedding <c>[vocabulary, hidden]</c>.</summary>
    torch.Tensor LoadEmbedding(IWeightSource source, TensorSlot slot);

    /// <summary>Waits until everything that was asked for is loaded: weights are to be used behind this only.</summary>
    void CompleteLoading(CancellationToken cancellationToken)
    {
        // Most load what they are asked for at once.
    }

    /// <summary>Rows of the embedding: <c>[rows, hidden]</c>.</summary>
    torch.Tensor Embed(torch.Tensor embedding, int[] tokens);

    /// <summary>
    /// residual += delta (when there is one), in place; returns norm(residual) * weight. The normalised row is rounded to the
    /// element type before it meets the weight.
    /// </summary>
    torch.Tensor AddAndNormalize(torch.Tensor residual, torch.Tensor? delta, torch.Tensor weight, double epsilon);

    /// <summary>input <c>[rows, columns]</c> times the transposed weight: <c>[rows, weight.Rows]</c>.</summary>
    torch.Tensor Linear(torch.Tensor input, LinearWeight weight);

    /// <summary>
    /// Rotates queries and keys of <paramref name="qkv"/> <c>[rows, (heads + 2 kv heads) * head dim]</c>, writes keys and values
    /// to their slots, then attends: query p sees key k of its own sequence iff 0 &lt;= p - k &lt; window.
    /// Returns <c>[rows, heads * head dim]</c>.
    /// </summary>
    torch.Tensor Attend(torch.Tensor qkv, LayerKvCache cache, StepLayout layout, ModelConfig config);

    /// <summary>silu(gate) * up of a fused row <c>[rows, 2 * intermediate]</c>, gate first.</summary>
    torch.Tensor SwiGlu(torch.Tensor gateUp);

    /// <summary>silu(gate) * up of the input times the transposed weight: <c>[rows, weight.Rows / 2]</c>.</summary>
    torch.Tensor GatedLinear(torch.Tensor input, LinearWeight gateUp) => SwiGlu(Linear(input, gateUp));

    /// <summary>Adds and normalises like <see cref="AddAndNormalize"/>, then <see cref="Linear"/>.</summary>
    torch.Tensor NormalizedLinear(torch.Tensor residual, torch.Tensor? delta, torch.Tensor norm, double epsilon, LinearWeight weight) =>
        Linear(AddAndNormalize(residual, delta, norm, epsilon), weight);

    /// <summary>Adds and normalises like <see cref="AddAndNormalize"/>, then <see cref="GatedLinear"/>.</summary>
    torch.Tensor NormalizedGatedLinear(torch.Tensor residual, torch.Tensor? delta, torch.Tensor norm, double epsilon, LinearWeight gateUp) =>
        GatedLinear(AddAndNormalize(residual, delta, norm, epsilon), gateUp);

    /// <summary>What a projection adds to the residual: either added already, or returned to be added by whoever comes next.</summary>
    torch.Tensor? LinearOnto(torch.Tensor residual, torch.Tensor input, LinearWeight weight) => Linear(input, weight);

    /// <summary>Each row visits its top-k experts; the softmax is over the k chosen logits.</summary>
    torch.Tensor MixExperts(torch.Tensor input, ExpertWeights weights);

    /// <summary>Rows of a matrix, in the order given.</summary>
    torch.Tensor SelectRows(torch.Tensor input, int[] rows);

    /// <summary>Tells what cache the coming steps work on.</summary>
    void UseCache(KvCacheSpec spec)
    {
        // Most read all they need from the step.
    }

    /// <summary>Begins one step of a shard. How it is fed, recorded and waited for is the device's own affair; the operations are those above.</summary>
    ShardStep Begin(ShardBody body, StepLayout layout, HiddenStates? hidden) => ShardStep.Of(PlainStep.Run(this, body, layout, hidden));

    /// <summary>
    /// Takes memory out of which another process's device can read hidden states of so many rows; null where there is no such
    /// thing. Throws <see cref="IOException"/> where there should be and is not.
    /// </summary>
    DeviceOutbox? OpenOutbox(int slots, int rows) => null;

    /// <summary>Opens such memory of the stage before; throws <see cref="IOException"/> with the reason why it cannot be read.</summary>
    IDeviceInbox OpenInbox(ReadOnlySpan<byte> address) => throw new IOException($"the {Name} kernels read hidden states on the host");

    /// <summary>From here on hidden states go there; null brings them to the host.</summary>
    void SendTo(DeviceOutbox? outbox)
    {
        // Without an outbox there is nothing but the host.
    }
}
