using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Caching;

/// <summary>
/// A sequence's cached keys and values out of one cache and into another, layer by layer and bit for bit. Only what a later
/// query can still see is moved: with a window, the last window - 1 positions.
/// </summary>
public sealed class SequenceTransfer(ModelConfig config, PagedKvCache cache)
{
    /// <summary>First position that the token after <paramref name="length"/> tokens still sees in a layer.</summary>
    public int FirstPosition(int layer, int length) => config.WindowOf(layer) is { } window ? Math.Max(0, length - window + 1) : 0;

    /// <summary>Bytes of one layer: keys, then values, each <c>[positions, kv heads, head dim]</c>.</summary>
    public long LayerBytes(int layer, int length) =>
        2L * (length - FirstPosition(layer, length)) * config.KvHeadCount * config.HeadDim * cache[layer].Keys.ElementSize;

    public byte[] Export(SequenceState sequence, int layer)
    {
        using var scope = torch.NewDisposeScope();
        var slots = Slots(sequence, layer, sequence.Length);
        var bytes = new byte[LayerBytes(layer, sequence.Length)];
        Flat(cache[layer].Keys).index_select(0, slots).cpu().bytes.CopyTo(bytes);
        Flat(cache[layer].Values).index_select(0, slots).cpu().bytes.CopyTo(bytes.AsSpan(bytes.Length / 2));
        return bytes;
    }

    /// <summary>Writes a layer that was exported at <paramref name="length"/> tokens through the sequence's own block tables.</summary>
    public void Import(SequenceState sequence, int layer, int length, ReadOnlySpan<byte> bytes)
    {
        using var scope = torch.NewDisposeScope();
        var slots = Slots(sequence, layer, length);
        Flat(cache[layer].Keys).index_copy_(0, slots, ToTensor(bytes[..(bytes.Length / 2)], slots.shape[0], layer));
        Flat(cache[layer].Values).index_copy_(0, slots, ToTensor(bytes[(bytes.Length / 2)..], slots.shape[0], layer));
    }

    private torch.Tensor ToTensor(ReadOnlySpan<byte> bytes, long positions, int layer)
    {
        var tensor = torch.empty([positions, config.KvHeadCount, config.HeadDim], cache[layer].Keys.dtype);
        bytes.CopyTo(tensor.bytes);
        return tensor.to(cache[layer].Keys.device);
    }

    private torch.Tensor Flat(torch.Tensor cached) => cached.view(-1, config.KvHeadCount, config.HeadDim);

    private torch.Tensor Slots(SequenceState sequence, int layer, int length)
    {
        var group = cache[layer].Group;
        var first = FirstPosition(layer, length);
        var slots = new long[length - first];
        for (var i = 0; i < slots.Length; i++)
        {
            var (ring, row) = cache.Spec.SlotOf(group, first + i);
            slots[i] = ((long)sequence.Tables[group][ring] * cache.Spec.BlockSize) + row;
        }

        return torch.tensor(slots, device: cache[layer].Keys.device);
    }
}
