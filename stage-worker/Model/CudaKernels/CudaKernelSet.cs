using Pipeline.Model.Caching;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.DeviceHops;
using Pipeline.Model.Kernels;
using Pipeline.Model.Layers;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.CudaKernels;

/// <summary>
/// The product's own kernels for NVIDIA GPUs in bfloat16; tensors serve as buffers only. Results stay in buffers of the kernel
/// set: each is good until the same operation runs again. Up to 8 rows, and on Hopper from 9 to 64 as well, a row's bits depend on
/// nothing but the row and its sequence; beyond, cuBLAS chooses its algorithm by the number of rows.
/// </summary>
public sealed class CudaKernelSet : IKernelSet
{
    private const int NormThreads = 512; // common.cuh
    private const int Threads = 256;
    private const int RowIdsAtOnce = 512;

    private readonly ModelConfig _config;
    private readonly CudaDevice _device;
    private readonly CudaStream _stream;
    private readonly KernelLibrary _library;
    private readonly Cublas _cublas;
    private readonly Workspace _workspace;
    private readonly CudaWeightLoader _loader;
    private readonly CudaLinear _linear;
    private readonly CudaExperts _experts;
    private readonly DeviceTurn? _turn;
    private CudaStep? _step;
    private DeviceOutbox? _outbox;

    /// <summary>Compiles the kernels or finds them compiled; throws a <see cref="CudaException"/> that says what is missing.</summary>
    public CudaKernelSet(ModelConfig config, torch.Device device, CubinCache cache)
    {
        _config = config;
        Device = device;
        _device = CudaDevice.Open(device.index);
        _device.MakeCurrent();
        _library = new KernelLibrary(_device, config, cache);
        _stream = new CudaStream();
        _cublas = new Cublas(_stream);
        _workspace = new Workspace(device);
        _loader = new CudaWeightLoader(_library, _device, _stream, device);
        _linear = new CudaLinear(_library, _stream, _workspace, _cublas);
        _experts = new CudaExperts(_library, _stream, _workspace, _linear, _cublas, _library.IsForHopper ? new HopperExperts(_library, _stream) : null);
        _turn = _device.HasConcurrentProcesses ? null : DeviceTurn.Of(_device.Id);
    }

    public string Name => "cuda";

    public torch.Device Device { get; }

    public IDeviceTurn? Turn => _turn;

    public ElementType ElementType => ElementType.BFloat16;

    /// <summary>Why these kernels cannot compute this model; null when they can.</summary>
    public static string? Objection(ModelConfig config, ElementType elementType) => config switch
    {
        _ when elementType != ElementType.BFloat16 => $"they compute in bfloat16, not {elementType}",
        { HeadDim: not (64 or 128) } => $"heads are {config.HeadDim} wide, not 64 or 128",
        _ when config.HeadCount / config.KvHeadCount > 8 => $"{config.HeadCount / config.KvHeadCount} query heads share a kv head, not at most 8",
        _ when !CudaLinear.Fits(config.HiddenSize) || !CudaLinear.Fits(config.IntermediateSize) => "the widths of the layers are not multiples of 32",
        { HiddenSize: > 16384 } => "rows are longer than 16384",
        { Moe.ExpertCount: > 32 } => "there are more than 32 experts",
        _ => null,
    };

    public LinearWeight LoadLinear(IWeightSource source, params IReadOnlyList<TensorSlot> slots) => new TorchLinearWeight(_loader.Load(source, slots));

    public ExpertWeights LoadExperts(IWeightSource source, int layer, MoeConfig moe) => _loader.LoadExperts(source, layer, moe);

    public torch.Tensor LoadVector(IWeightSource source, TensorSlot slot)
    {
        using var row = _loader.Load(source, [slot]); // [1, length]
        return row.view(-1).DetachFromDisposeScope();
    }

    public torch.Tensor LoadEmbedding(IWeightSource source, TensorSlot slot) => _loader.Load(source, [slot]);

    public void CompleteLoading(CancellationToken cancellationToken) => _loader.Complete(cancellationToken);

    public torch.Tensor Embed(torch.Tensor embedding, int[] tokens) => Gather(embedding, tokens);

    public torch.Tensor AddAndNormalize(torch.Tensor residual, torch.Tensor? delta, torch.Tensor weight, double epsilon)
    {
        var rows = (int)residual.shape[0];
        var output = _workspace.Rows("normalized", rows, _config.HiddenSize);
        _library.Function("normalize", "add_normalize").Launch(
            _stream, (rows, 1, 1), NormThreads, 0,
            TensorAddress.Of(residual), delta is null ? 0 : TensorAddress.Of(delta), TensorAddress.Of(weight), TensorAddress.Of(output), (float)epsilon);
        return output;
    }

    public torch.Tensor Linear(torch.Tensor input, LinearWeight weight) => _linear.Forward(input, (TorchLinearWeight)weight);

    public torch.Tensor SwiGlu(torch.Tensor gateUp) => _linear.SwiGlu(gateUp);

    public torch.Tensor GatedLinear(torch.Tensor input, LinearWeight gateUp) => _linear.Gated(input, (TorchLinearWeight)gateUp);

    public torch.Tensor Attend(torch.Tensor qkv, LayerKvCache cache, StepLayout layout, ModelConfig config) => Step.Attend(qkv, cache);

    public torch.Tensor NormalizedLinear(torch.Tensor residual, torch.Tensor? delta, torch.Tensor norm, double epsilon, LinearWeight weight) =>
        delta is null && residual.shape[0] == 1
            ? _linear.NormalizedRow(residual, norm, (float)epsilon, (TorchLinearWeight)weight)
            : Linear(AddAndNormalize(residual, delta, norm, epsilon), weight);

    public torch.Tensor NormalizedGatedLinear(torch.Tensor residual, torch.Tensor? delta, torch.Tensor norm, double epsilon, LinearWeight gateUp) =>
        delta is null && residual.shape[0] == 1
            ? _linear.NormalizedGatedRow(residual, norm, (float)epsilon, (TorchLinearWeight)gateUp)
            : GatedLinear(AddAndNormalize(residual, delta, norm, epsilon), gateUp);

    public torch.Tensor? LinearOnto(torch.Tensor residual, torch.Tensor input, LinearWeight weight)
    {
        if (input.shape[0] > 1)
        {
            return Linear(input, weight);
        }

        _linear.RowOnto(residual, input, (TorchLinearWeight)weight);
        return null;
    }

    public torch.Tensor MixExperts(torch.Tensor input, ExpertWeights weights) => _experts.Mix(input, (CudaExpertWeights)weights);

    public torch.Tensor SelectRows(torch.Tensor input, int[] rows) => Gather(input, rows);

    public void UseCache(KvCacheSpec spec)
    {
        _step?.Dispose();
        _step = new CudaStep(_library, _stream, _workspace, _config, spec);
    }

    public ShardStep Begin(ShardBody body, StepLayout layout, HiddenStates? hidden) => Step.Begin(body, layout, hidden, _outbox);

    public DeviceOutbox? OpenOutbox(int slots, int rows) => DeviceOutbox.Create(_stream, slots, (long)rows * _config.HiddenSize * sizeof(ushort));

    public IDeviceInbox OpenInbox(ReadOnlySpan<byte> address)
    {
        _device.MakeCurrent();
        return DeviceInbox.Open(address);
    }

    public void SendTo(DeviceOutbox? outbox) => _outbox = outbox;

    public void Dispose()
    {
        _loader.Dispose();
        _step?.Dispose();
        _experts.Dispose();
        _cublas.Dispose();
        _library.Dispose();
        _workspace.Dispose();
        _stream.Dispose();
        _turn?.Dispose();
    }

    private CudaStep Step => _step ?? throw new InvalidOperationException("the cache is not allotted yet");

    private torch.Tensor Gather(torch.Tensor input, int[] rows)
    {
        var width = (int)input.shape[1];
        var output = torch.empty([rows.Length, width], torch.ScalarType.BFloat16, Device);
        for (var first = 0; first < rows.Length; first += RowIdsAtOnce)
        {
            var some = rows.AsSpan(first, Math.Min(RowIdsAtOnce, rows.Length - first));
            var ids = default(RowIds);
            some.CopyTo(ids);
            _library.Function("rows", "gather_rows").LaunchWith(
                _stream, (some.Length, 1, 1), Threads, ids, TensorAddress.Of(input), TensorAddress.Of(output) + (nint)((long)first * width * 2), width);
        }

        return output;
    }

    [System.Runtime.CompilerServices.InlineArray(RowIdsAtOnce)]
    private struct RowIds
    {
        private int _first;
    }
}
