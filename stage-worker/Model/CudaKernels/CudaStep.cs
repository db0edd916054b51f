using Pipeline.Model.Caching;
using Pipeline.Model.CudaKernels.DeviceSampling;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.DeviceHops;
using Pipeline.Model.Layers;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.CudaKernels;

/// <summary>
/// Runs a shard's steps on the device: numbers go up in one copy, everything is queued, and nobody waits. The next step can be
/// queued behind this one; tokens and hidden states are there when the device has come to the step's end. Decode steps are
/// replayed from graphs.
/// </summary>
internal sealed class CudaStep : IDisposable
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
    private readonly StepEvents _events = new();
    private readonly HostCopies _copies;
    private readonly int _mostSequences;
    private CudaSampler? _sampler;
    private StepShape _shape = new(0, 0, []);
    private StepLayout? _layout;
    private StepHop _hop;

    public CudaStep(KernelLibrary library, CudaStream stream, Workspace workspace, ModelConfig config, KvCacheSpec spec)
    {
        (_library, _stream, _workspace, _config) = (library, stream, workspace, config);
        _buffers = new StepBuffers(stream, spec);
        _attention = new CudaAttention(library, stream, workspace, _buffers, config, spec);
        _graphs = new StepGraphs(stream);
        _copies = new HostCopies(stream);
        _mostSequences = Math.Max(BatchBuckets.Largest, spec.Groups.Max(group => group.BlockCount)); // each has a block at least
    }

    private int Generation => _buffers.Generation + _workspace.Generation + _attention.Generation;

    /// <param name="outbox">Where hidden states go instead of to the host; null brings them to the host.</param>
    public ShardStep Begin(ShardBody body, StepLayout layout, HiddenStates? hidden, DeviceOutbox? outbox)
    {
        var step = new QueuedStep(_events);
        var slot = body.Head is null ? outbox?.TryRent() : null;
        try
        {
            return Queue(step, body, layout, hidden, slot);
        }
        catch
        {
            // What is queued already uses what the step keeps; a lost device has stopped.
            _stream.Settle();
            _copies.Settle();
            step.Release();
            slot?.Dispose();
            throw;
        }
    }

    private QueuedStep Queue(QueuedStep step, ShardBody body, StepLayout layout, HiddenStates? hidden, OutboxSlot? outbox)
    {
        var choices = body.Head is null ? [] : (_sampler ??= new CudaSampler(_library, _stream, _config.VocabularySize, _mostSequences)).Prepare(layout);
        var bucket = choices is not null && CanRecord(body, layout, choices.Count) ? BatchBuckets.For(layout.Rows) : null;
        var inbox = hidden?.DeviceSlot as InboxSlot;
        _layout = layout;
        _hop = new StepHop(inbox?.Pointer ?? 0, outbox?.Pointer ?? 0, (long)layout.Rows * _config.HiddenSize);
        _attention.Prepare(layout);
        _shape = _buffers.Write(layout, bucket, choices ?? [], _hop);
        _buffers.Copy();
        inbox?.WaitIn(_stream);
        if (hidden is { DeviceSlot: null })
        {
            Receive(hidden, step);
        }

        step.Begin(_stream);
        if (bucket is { } size)
        {
            _graphs.Run((size, _hop.Kind), () => Generation, () => Decode(body));
        }
        else if (choices is null)
        {
            return Score(step, body, layout);
        }
        else
        {
            Compute(body, layout, choices);
        }

        return body.Head is null ? Send(step, layout.Rows, outbox) : Answer(step, layout, choices!.Count);
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
        _copies.Dispose();
        _graphs.Dispose();
        _attention.Dispose();
        _buffers.Dispose();
        _sampler?.Dispose();
        _pinned.Dispose();
        _events.Dispose();
    }

    /// <summary>Nothing but decode, and if tokens are drawn here then in every segment.</summary>
    private static bool CanRecord(ShardBody body, StepLayout layout, int choices) =>
        layout.Segments.All(segment => segment.IsDecode) && (body.Head is null || choices == layout.Segments.Count);

    /// <summary>A step of one row a sequence; can be recorded.</summary>
    private void Decode(ShardBody body)
    {
        var (residual, delta) = RunLayers(body);
        if (body.Head is { } head)
        {
            Sample(head.Logits(residual, delta, null), _shape.Rows);
        }
        else
        {
            HandOn(residual, delta);
        }
    }

    private void Compute(ShardBody body, StepLayout layout, IReadOnlyList<SamplingChoice> choices)
    {
        var (residual, delta) = RunLayers(body);
        if (body.Head is not { } head)
        {
            HandOn(residual, delta);
        }
        else if (choices.Count > 0)
        {
            int[] rows = [.. Enumerable.Range(0, layout.Segments.Count)
                .Where(s => layout.Microbatch.Slices[s].Logits == LogitsRequest.Sample)
                .Select(s => layout.Segments[s].FirstRow + layout.Segments[s].RowCount - 1)];
            Sample(head.Logits(residual, delta, rows), rows.Length);
        }
    }

    /// <summary>The CPU scores the step: the host waits for the logits.</summary>
    private QueuedStep Score(QueuedStep step, ShardBody body, StepLayout layout)
    {
        var (residual, delta) = RunLayers(body);
        var output = new ShardOutput(null, SliceScorer.Score(body.Head!, residual, delta, layout));
        return step.End(_stream, () => output);
    }

    private (torch.Tensor Residual, torch.Tensor? Delta) RunLayers(ShardBody body)
    {
        var residual = body.IsFirst ? Embed(body.Embedding!) : Residual();
        if (_hop.HasInbox)
        {
            _library.Function("hops", "fetch").Launch(_stream, Blocks(residual), Threads, 0, TensorAddress.Of(residual), _buffers.At(_buffers.Sections.Hop));
        }

        return (residual, body.ForwardLayers(residual, _layout!));
    }

    /// <summary>What is still to be added goes along: into the slot for the next stage, or into the residual for the way over the host.</summary>
    private void HandOn(torch.Tensor residual, torch.Tensor? delta)
    {
        if (_hop.HasOutbox)
        {
            _library.Function("hops", "deliver").Launch(
                _stream, Blocks(residual), Threads, 0, TensorAddress.Of(residual), delta is null ? 0 : TensorAddress.Of(delta), _buffers.At(_buffers.Sections.Hop));
        }
        else if (delta is not null)
        {
            _library.Function("normalize", "add").Launch(
                _stream, Blocks(residual), Threads, 0, TensorAddress.Of(residual), TensorAddress.Of(delta), (ulong)residual.NumberOfElements);
        }
    }

    /// <summary>Each thread moves 8 elements.</summary>
    private static (int X, int Y, int Z) Blocks(torch.Tensor tensor) => ((int)((tensor.NumberOfElements + (Threads * 8) - 1) / (Threads * 8)), 1, 1);

    private torch.Tensor Residual() => _workspace.Rows("residual", _shape.Rows, _config.HiddenSize);

    private void Sample(torch.Tensor logits, int rows) => _sampler!.Sample(TensorAddress.Of(logits), _buffers.At(_buffers.Sections.Choices), rows);

    private void Receive(HiddenStates hidden, QueuedStep step)
    {
        var incoming = step.Keep(_pinned.Rent(hidden.ByteCount));
        hidden.Bytes.Span.CopyTo(incoming.GetSpan());
        _copies.Bring(TensorAddress.Of(Residual()), incoming, hidden.ByteCount);
    }

    private QueuedStep Send(QueuedStep step, int rows, OutboxSlot? outbox)
    {
        var width = _config.HiddenSize;
        if (outbox is not null)
        {
            outbox.MarkWritten(_stream);
            return step.EndWith(new HiddenStates(rows, width, ElementType.BFloat16, outbox), _stream);
        }

        var memory = _pinned.Rent(rows * width * sizeof(ushort));
        var hidden = new HiddenStates(rows, width, ElementType.BFloat16, memory);
        return step.End(_copies.Take(memory, TensorAddress.Of(Residual()), hidden.ByteCount), () => new ShardOutput(hidden, null));
    }

    private QueuedStep Answer(QueuedStep step, StepLayout layout, int drawn)
    {
        var tokens = drawn > 0 ? _sampler!.Bring(_pinned, step) : null;
        return step.End(_stream, () => new ShardOutput(null, Results(layout, tokens)));
    }

    private static SliceResult[] Results(StepLayout layout, DrawnTokens? tokens)
    {
        var results = new SliceResult[layout.Segments.Count];
        var next = 0;
        for (var s = 0; s < results.Length; s++)
        {
            var sequence = layout.Segments[s].Sequence.Id;
            results[s] = layout.Microbatch.Slices[s].Logits == LogitsRequest.None
                ? new SliceResult { Sequence = sequence }
                : new SliceResult { Sequence = sequence, Sampled = tokens![next++] };
        }

        return results;
    }
}
