using Pipeline.Model.Caching;
using Pipeline.Model.CudaKernels.DeviceSampling;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.Layers;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.CudaKernels;

/// <summary>
/// Runs a shard's steps on the device: numbers go up in one copy, everything is queued, and the host waits once, for the tokens
/// or hidden states at the end. Decode steps are replayed from graphs.
/// </summary>
internal sealed unsafe class CudaStep : IDisposable
{
    private const int Threads = 256;

    private readonly KernelLibrary _library;
    private readonly CudaStream _stream;
    private readonly Workspace _workspace;
    private readonly ModelConfig _config;
    private readonly PinnedPool _pinned = new();
    private readonly StepBuffers _buffers;
    private readonly CudaAttention _attention;
    private readonly StepGraphs _graphs;
    private readonly int _mostSequences;
    private CudaSampler? _sampler;
    private StepShape _shape = new(0, 0, []);
    private StepLayout? _layout;
    private PinnedMemory? _incoming;

    public CudaStep(KernelLibrary library, CudaStream stream, Workspace workspace, ModelConfig config, KvCacheSpec spec)
    {
        (_library, _stream, _workspace, _config) = (library, stream, workspace, config);
        _buffers = new StepBuffers(stream, spec);
        _attention = new CudaAttention(library, stream, workspace, _buffers, config, spec);
        _graphs = new StepGraphs(stream);
        _mostSequences = Math.Max(BatchBuckets.Largest, spec.Groups.Max(group => group.BlockCount)); // each has a block at least
    }

    private int Generation => _buffers.Generation + _workspace.Generation + _attention.Generation;

    public ShardOutput Run(ShardBody body, StepLayout layout, HiddenStates? hidden)
    {
        try
        {
            return Compute(body, layout, hidden);
        }
        finally
        {
            // The step has ended with a wait: the device has read this.
            (_incoming as IDisposable)?.Dispose();
            _incoming = null;
        }
    }

    private ShardOutput Compute(ShardBody body, StepLayout layout, HiddenStates? hidden)
    {
        var choices = body.Head is null ? [] : (_sampler ??= new CudaSampler(_library, _stream, _config.VocabularySize, _mostSequences)).Prepare(layout);
        var bucket = choices is not null && CanRecord(body, layout, choices.Count) ? BatchBuckets.For(layout.Rows) : null;
        _layout = layout;
        _attention.Prepare(layout);
        _shape = _buffers.Write(layout, bucket, choices ?? []);
        Receive(hidden);
        if (bucket is { } size)
        {
            _graphs.Run(size, () => Generation, () => Decode(body));
            return body.Head is null ? Send(layout.Rows) : new ShardOutput(null, Results(layout));
        }

        _buffers.Copy();

        return Finish(body, layout, choices);
    }

    public torch.Tensor Embed(torch.Tensor embedding)
    {
        var output = Residual();
        _library.Function("rows", "embed_rows").Launch(
            _stream, (_shape.Rows, 1, 1), Threads, 0, TensorAddress.Of(embedding), _buffers.At(_buffers.Sections.Tokens), TensorAddress.Of(output), _config.HiddenSize);
        return output;
    }

    public torch.Tensor Attend(torch.Tensor qkv, LayerKvCache cache) => _attention.Attend(qkv, cache, _shape, _layout!.Groups[cache.Group]);

    public void Dispose()
    {
        _stream.Synchronize();
        _graphs.Dispose();
        _attention.Dispose();
        _buffers.Dispose();
        _sampler?.Dispose();
        _pinned.Dispose();
    }

    /// <summary>One row a segment, and if tokens are drawn here then in every segment.</summary>
    private static bool CanRecord(ShardBody body, StepLayout layout, int choices) =>
        layout.Rows == layout.Segments.Count && (body.Head is null || choices == layout.Segments.Count);

    private void Decode(ShardBody body)
    {
        _buffers.Copy();
        var (residual, delta) = RunLayers(body);
        if (body.Head is { } head)
        {
            Sample(head.Logits(residual, delta, null), _shape.Rows);
        }
        else if (delta is not null)
        {
            Add(residual, delta);
        }
    }

    private ShardOutput Finish(ShardBody body, StepLayout layout, IReadOnlyList<SamplingChoice>? choices)
    {
        var (residual, delta) = RunLayers(body);
        if (body.Head is not { } head)
        {
            if (delta is not null)
            {
                Add(residual, delta);
            }

            return Send(layout.Rows);
        }

        if (choices is null)
        {
            return new ShardOutput(null, SliceScorer.Score(head, residual, delta, layout));
        }

        if (choices.Count > 0)
        {
            int[] rows = [.. Enumerable.Range(0, layout.Segments.Count)
                .Where(s => layout.Microbatch.Slices[s].Logits == LogitsRequest.Sample)
                .Select(s => layout.Segments[s].FirstRow + layout.Segments[s].RowCount - 1)];
            Sample(head.Logits(residual, delta, rows), rows.Length);
        }

        return new ShardOutput(null, Results(layout));
    }

    private (torch.Tensor Residual, torch.Tensor? Delta) RunLayers(ShardBody body)
    {
        var residual = body.IsFirst ? Embed(body.Embedding!) : Residual();
        return (residual, body.ForwardLayers(residual, _layout!));
    }

    private torch.Tensor Residual() => _workspace.Rows("residual", _shape.Rows, _config.HiddenSize);

    private void Add(torch.Tensor residual, torch.Tensor delta)
    {
        var count = residual.NumberOfElements;
        _library.Function("normalize", "add").Launch(
            _stream, ((int)((count + (Threads * 8) - 1) / (Threads * 8)), 1, 1), Threads, 0, TensorAddress.Of(residual), TensorAddress.Of(delta), (ulong)count);
    }

    private void Sample(torch.Tensor logits, int rows) => _sampler!.Sample(TensorAddress.Of(logits), _buffers.At(_buffers.Sections.Choices), rows);

    private void Receive(HiddenStates? hidden)
    {
        if (hidden is null)
        {
            return;
        }

        _incoming = _pinned.Rent(hidden.ByteCount);
        hidden.Bytes.Span.CopyTo(_incoming.GetSpan());
        _stream.CopyToDevice(TensorAddress.Of(Residual()), _incoming.Pointer, hidden.ByteCount);
    }

    private ShardOutput Send(int rows)
    {
        var hidden = new HiddenStates(rows, _config.HiddenSize, ElementType.BFloat16, _pinned.Rent(rows * _config.HiddenSize * sizeof(ushort)));
        using (var handle = hidden.Bytes.Pin())
        {
            _stream.CopyToHost((nint)handle.Pointer, TensorAddress.Of(Residual()), hidden.ByteCount);
        }

        _stream.Synchronize();
        return new ShardOutput(hidden, null);
    }

    private SliceResult[] Results(StepLayout layout)
    {
        _sampler!.Report();
        _stream.Synchronize();
        var results = new SliceResult[layout.Segments.Count];
        var next = 0;
        for (var s = 0; s < results.Length; s++)
        {
            var sequence = layout.Segments[s].Sequence.Id;
            results[s] = layout.Microbatch.Slices[s].Logits == LogitsRequest.None
                ? new SliceResult { Sequence = sequence }
                : new SliceResult { Sequence = sequence, Sampled = _sampler.TokenOf(next++) };
        }

        return results;
    }
}
