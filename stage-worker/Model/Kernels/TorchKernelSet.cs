using Pipeline.Model.Caching;
using Pipeline.Model.Checkpoints;
using Pipeline.Shared.Models;
using static TorchSharp.torch;

namespace Pipeline.Model.Kernels;

/// <summary>Every operation in plain TorchSharp: runs on any device and element type, and is what faster kernels are compared with.</summary>
public sealed class TorchKernelSet(ElementType elementType, Device device, RotaryTable rotary) : IKernelSet
{
    private readonly ScalarType _type = TorchTypes.ScalarTypeOf(elementType);

    public string Name => "torch";

    public string Remark { get; init; } = "";

    public Device Device => device;

    public ElementType ElementType => elementType;

    public LinearWeight LoadLinear(IWeightSource source, params IReadOnlyList<TensorSlot> slots) => new TorchLinearWeight(TensorLoader.Load(source, slots, elementType, device));

    public ExpertWeights LoadExperts(IWeightSource source, int layer, MoeConfig moe)
    {
        using var scope = new LoadScope();
        LinearWeight Load(params TensorSlot[] slots) => scope.Keep(LoadLinear(source, slots));
        var router = Load(ExpertSlots.Router(layer));
        var gateUp = Enumerable.Range(0, moe.ExpertCount).Select(expert => Load(ExpertSlots.GateUp(layer, expert))).ToList();
        var down = Enumerable.Range(0, moe.ExpertCount).Select(expert => Load(ExpertSlots.Down(layer, expert))).ToList();
        return scope.Complete(new TorchExpertWeights(router, gateUp, down, moe.ExpertsPerToken));
    }

    public Tensor LoadVector(IWeightSource source, TensorSlot slot) => TensorLoader.LoadVector(source, slot, elementType, device);

    public Tensor LoadEmbedding(IWeightSource source, TensorSlot slot) => TensorLoader.Load(source, [slot], elementType, device);

    public Tensor Embed(Tensor embedding, int[] tokens) => SelectRows(embedding, tokens);

    public Tensor AddAndNormalize(Tensor residual, Tensor? delta, Tensor weight, double epsilon)
    {
        if (delta is not null)
        {
            residual.add_(delta, Scalars.One);
        }

        var raised = residual.to_type(ScalarType.Float32);
        var scale = rsqrt((raised * raised).mean([-1], keepdim: true).add(Scalars.Of(epsilon), Scalars.One)); // [rows, 1]
        return (raised * scale).to_type(_type) * weight;
    }

    public Tensor Linear(Tensor input, LinearWeight weight) => nn.functional.linear(input, ((TorchLinearWeight)weight).Tensor);

    public Tensor Attend(Tensor qkv, LayerKvCache cache, StepLayout layout, ModelConfig config)
    {
        var group = layout.Groups[cache.Group];
        var heads = qkv.view(layout.Rows, config.HeadCount + (2 * config.KvHeadCount), config.HeadDim);
        var rotated = Rotate(heads.narrow(1, 0, config.HeadCount + config.KvHeadCount), layout.Positions);
        var keys = cache.Keys.view(-1, config.KvHeadCount, config.HeadDim);     // [slots, kv heads, head dim]
        var values = cache.Values.view(-1, config.KvHeadCount, config.HeadDim);
        var slots = Indices(group.Slots);
        keys.index_copy_(0, slots, rotated.narrow(1, config.HeadCount, config.KvHeadCount));
        values.index_copy_(0, slots, heads.narrow(1, config.HeadCount + config.KvHeadCount, config.KvHeadCount));

        var queries = rotated.narrow(1, 0, config.HeadCount);
        var output = empty_like(queries);
        for (var segment = 0; segment < layout.Segments.Count; segment++)
        {
            var part = layout.Segments[segment];
            output.narrow(0, part.FirstRow, part.RowCount).copy_(
                AttendSegment(queries.narrow(0, part.FirstRow, part.RowCount), keys, values, group, segment, part));
        }

        return output.view(layout.Rows, config.HeadCount * config.HeadDim);
    }

    public Tensor SwiGlu(Tensor gateUp)
    {
        var width = gateUp.shape[1] / 2;
        return nn.functional.silu(gateUp.narrow(1, 0, width)) * gateUp.narrow(1, width, width);
    }

    public Tensor MixExperts(Tensor input, ExpertWeights weights)
    {
        var experts = (TorchExpertWeights)weights;
        var logits = Linear(input, experts.Router).to_type(ScalarType.Float32);
        var (sorted, order) = sort(logits, dim: -1, descending: true, stable: true); // equal logits: lowest id first
        var shares = nn.functional.softmax(sorted.narrow(1, 0, experts.ExpertsPerToken), dim: -1).to_type(_type); // [rows, k]
        var chosen = order.narrow(1, 0, experts.ExpertsPerToken);
        var output = zeros_like(input);
        for (var expert = 0; expert < experts.GateUp.Count; expert++)
        {
            var visits = chosen.eq(Scalars.Of(expert)).nonzero(); // [visits, 2]: row, rank
            if (visits.shape[0] > 0)
            {
                var rows = visits.select(1, 0);
                var share = shares.index_select(0, rows).gather(1, visits.narrow(1, 1, 1)); // [visits, 1]
                var result = Linear(SwiGlu(Linear(input.index_select(0, rows), experts.GateUp[expert])), experts.Down[expert]);
                output.index_add_(0, rows, result * share, Scalars.One);
            }
        }

        return output;
    }

    public Tensor SelectRows(Tensor input, int[] rows) => input.index_select(0, Indices(rows));

    public void Dispose()
    {
    }

    private static Tensor AttendSegment(Tensor queries, Tensor keys, Tensor values, GroupLayout group, int segment, StepSegment part)
    {
        var first = Math.Max(0, part.FirstPosition + 1 - (group.Window ?? int.MaxValue));
        var visible = Enumerable.Range(first, part.LastPosition - first + 1).Select(position => (long)group.SlotOf(segment, position)).ToArray();
        var slots = tensor(visible, device: keys.device);
        var heads = queries.shape[1];
        var key = Spread(keys.index_select(0, slots), heads);     // [heads, keys, head dim]
        var value = Spread(values.index_select(0, slots), heads);
        var scores = matmul(queries.transpose(0, 1), key.transpose(1, 2)).to_type(ScalarType.Float32).div(Scalars.Of(Math.Sqrt(queries.shape[2]))); // [heads, rows, keys]
        var distance = Range(part.FirstPosition, part.LastPosition, keys.device).unsqueeze(1) - Range(first, part.LastPosition, keys.device).unsqueeze(0); // [rows, keys]
        var hidden = distance.lt(Scalars.Of(0));
        if (group.Window is { } window)
        {
            hidden |= distance.ge(Scalars.Of(window));
        }

        var shares = nn.functional.softmax(scores.masked_fill(hidden, Scalars.Of(double.NegativeInfinity)), dim: -1).to_type(queries.dtype);
        return matmul(shares, value).transpose(0, 1);
    }

    /// <summary>Each kv head serves a run of consecutive query heads: [keys, kv heads, head dim] to [heads, keys, head dim].</summary>
    private static Tensor Spread(Tensor cached, long heads) =>
        cached.transpose(0, 1).repeat_interleave(heads / cached.shape[1], dim: 0);

    private static Tensor Range(int first, int last, Device device)
    {
        var positions = new long[last - first + 1];
        for (var i = 0; i < positions.Length; i++)
        {
            positions[i] = first + i;
        }

        return tensor(positions, device: device);
    }

    private Tensor Rotate(Tensor heads, int[] positions)
    {
        var half = heads.shape[2] / 2;
        var (cosine, sine) = rotary.Rows(positions); // each [rows, head dim / 2]
        var cos = tensor(cosine, [positions.Length, 1, half], device: device);
        var sin = tensor(sine, [positions.Length, 1, half], device: device);
        var raised = heads.to_type(ScalarType.Float32);
        var first = raised.narrow(2, 0, half);
        var second = raised.narrow(2, half, half);
        return cat([(first * cos) - (second * sin), (second * cos).add(first * sin, Scalars.One)], dim: 2).to_type(_type);
    }

    private Tensor Indices(int[] values) => tensor(Array.ConvertAll(values, value => (long)value), device: device);
}
