using Pipeline.Model.Caching;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Tests.CudaKernels;

/// <summary>A step of chunks over shuffled blocks. The cache holds NaN except where a query may look.</summary>
internal sealed class PrefillStep
{
    private readonly ModelConfig _config;
    private readonly torch.Tensor _qkv;
    private readonly torch.Tensor _keys;
    private readonly torch.Tensor _values;

    /// <param name="parts">Of each segment, the tokens before it and its rows.</param>
    public PrefillStep(ModelConfig config, int? window, int blockSize, params IReadOnlyList<(int Before, int Rows)> parts)
    {
        var ring = KvCacheSpec.RingBlocksFor(window, blockSize, parts.Max(part => part.Rows), parts.Max(part => part.Before + part.Rows));
        var blocks = Enumerable.Range(0, (ring * parts.Count) + 3).ToArray();
        new Random(7).Shuffle(blocks);
        _config = config;
        Spec = new KvCacheSpec(blockSize, [new KvCacheGroup(window, ring, blocks.Length)]);
        Layout = LayoutOf(parts, blocks);
        torch.manual_seed(7);
        _qkv = torch.randn([Layout.Rows, (config.HeadCount + (2 * config.KvHeadCount)) * config.HeadDim]).bfloat16();
        _keys = torch.full([blocks.Length * blockSize, config.KvHeadCount, config.HeadDim], float.NaN).bfloat16();
        _values = _keys.clone();
        long[] held = [.. parts.SelectMany((part, segment) => Slots(segment, Reach(part.Before), part.Before))];
        if (held.Length > 0)
        {
            using var slots = torch.tensor(held);
            _keys.index_copy_(0, slots, torch.randn([held.Length, config.KvHeadCount, config.HeadDim]).bfloat16());
            _values.index_copy_(0, slots, torch.randn([held.Length, config.KvHeadCount, config.HeadDim]).bfloat16());
        }

        (Qkv, Keys, Values) = (_qkv, _keys, _values);
    }

    private PrefillStep(PrefillStep whole, int segment)
    {
        var (part, ring) = (whole.Layout.Segments[segment], whole.Spec.Groups[0].RingBlocks);
        (_config, _keys, _values, Spec) = (whole._config, whole._keys, whole._values, whole.Spec);
        _qkv = whole._qkv.narrow(0, part.FirstRow, part.RowCount).clone();
        Layout = LayoutOf([(part.FirstPosition, part.RowCount)], whole.Layout.Groups[0].Tables[(segment * ring)..]);
        (Qkv, Keys, Values) = (_qkv, _keys, _values);
    }

    public KvCacheSpec Spec { get; }

    public StepLayout Layout { get; }

    /// <summary>On the device; attention rotates queries where they lie and writes keys and values.</summary>
    public torch.Tensor Qkv { get; private set; }

    public torch.Tensor Keys { get; private set; }

    public torch.Tensor Values { get; private set; }

    /// <summary>Rows of segments that have more than one.</summary>
    public long[] ChunkRows => [.. Layout.Segments.Where(part => part.RowCount > 1).SelectMany(part => Enumerable.Range(part.FirstRow, part.RowCount)).Select(row => (long)row)];

    /// <summary>The same segment over the same cache, without the others.</summary>
    public PrefillStep Only(int segment) => new(this, segment);

    public void CopyToDevice() => (Qkv, Keys, Values) = (_qkv.cuda(), _keys.cuda(), _values.cuda());

    /// <summary>Dense attention of <see cref="ChunkRows"/> in float32, over what the device has rotated and written.</summary>
    public torch.Tensor Dense()
    {
        var (heads, width) = (_config.HeadCount, _config.HeadDim);
        var (qkv, keys, values) = (Qkv.cpu().@float(), Keys.cpu().@float(), Values.cpu().@float());
        var chunks = new List<torch.Tensor>();
        foreach (var (segment, part) in Layout.Segments.Index().Where(item => item.Item.RowCount > 1))
        {
            var (first, end) = (Reach(part.FirstPosition), part.FirstPosition + part.RowCount);
            var slots = torch.tensor(Slots(segment, first, end));
            var queries = qkv.narrow(0, part.FirstRow, part.RowCount).narrow(1, 0, heads * width).reshape(part.RowCount, heads, width).transpose(0, 1);
            var k = keys.index_select(0, slots).repeat_interleave(heads / _config.KvHeadCount, 1).transpose(0, 1);
            var v = values.index_select(0, slots).repeat_interleave(heads / _config.KvHeadCount, 1).transpose(0, 1);
            var distance = torch.arange(part.FirstPosition, end).unsqueeze(1) - torch.arange(first, end).unsqueeze(0);
            var hidden = distance.lt(0).logical_or(distance.ge(Spec.Groups[0].Window ?? int.MaxValue));
            var weights = queries.matmul(k.transpose(1, 2)).div(Math.Sqrt(width)).masked_fill(hidden, float.NegativeInfinity).softmax(-1);
            chunks.Add(weights.matmul(v).transpose(0, 1).reshape(part.RowCount, heads * width));
        }

        return torch.cat(chunks);
    }

    /// <summary>The first position that a query at this one sees.</summary>
    private int Reach(int position) => Spec.Groups[0].Window is { } window ? Math.Max(0, position - window + 1) : 0;

    private long[] Slots(int segment, int first, int end) => [.. Enumerable.Range(first, end - first).Select(position => (long)Layout.Groups[0].SlotOf(segment, position))];

    private StepLayout LayoutOf(IReadOnlyList<(int Before, int Rows)> parts, int[] blocks)
    {
        var segments = new List<StepSegment>();
        foreach (var (before, rows) in parts)
        {
            var sequence = new SequenceState(new SequenceId(segments.Count), new SequenceStart(1, new()), 1);
            segments.Add(new StepSegment(sequence, segments.Sum(part => part.RowCount), rows, before));
        }

        var ring = Spec.Groups[0].RingBlocks;
        int[] positions = [.. segments.SelectMany(part => Enumerable.Range(part.FirstPosition, part.RowCount))];
        int[] owners = [.. segments.SelectMany((part, segment) => Enumerable.Repeat(segment, part.RowCount))];
        var group = new GroupLayout
        {
            Window = Spec.Groups[0].Window,
            BlockSize = Spec.BlockSize,
            RingBlocks = ring,
            Slots = new int[positions.Length],
            Tables = blocks[..(ring * parts.Count)],
            TableOffsets = [.. Enumerable.Range(0, parts.Count).Select(segment => segment * ring)],
        };
        for (var row = 0; row < positions.Length; row++)
        {
            group.Slots[row] = group.SlotOf(owners[row], positions[row]);
        }

        return new StepLayout
        {
            Microbatch = new Microbatch { Epoch = new PlanEpoch(1), Step = 1, Id = new MicrobatchId(0), Slices = [], Released = [] },
            Segments = segments,
            Tokens = new int[positions.Length],
            Positions = positions,
            SegmentOfRow = owners,
            Groups = [group],
        };
    }
}
