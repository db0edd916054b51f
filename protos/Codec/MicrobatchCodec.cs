using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Stages;
using SequenceStart = Pipeline.Shared.Batching.SequenceStart;

namespace Pipeline.Protos.Codec;

/// <summary>Microbatches on the wire.</summary>
public static class MicrobatchCodec
{
    private const LogitsRequest KnownRequests = LogitsRequest.Sample | LogitsRequest.ScorePrompt | LogitsRequest.Raw;

    public static MicrobatchHeader ToWire(Microbatch microbatch)
    {
        var wire = new MicrobatchHeader { Epoch = microbatch.Epoch.Value, Step = microbatch.Step, Id = microbatch.Id.Value };
        foreach (var slice in microbatch.Slices)
        {
            wire.Slices.Add(ToWire(slice));
        }

        foreach (var released in microbatch.Released)
        {
            wire.Released.Add(released.Value);
        }

        return wire;
    }

    public static Microbatch FromWire(MicrobatchHeader wire) => new()
    {
        Epoch = new PlanEpoch(wire.Epoch),
        Step = wire.Step,
        Id = new MicrobatchId(wire.Id),
        Slices = [.. wire.Slices.Select(FromWire)],
        Released = [.. wire.Released.Select(id => new SequenceId(id))],
    };

    public static V1.SequenceStart ToWire(SequenceStart start) =>
        new() { PromptLength = start.PromptLength, Sampling = SamplingCodec.ToWire(start.Sampling), CachedPrefix = { start.CachedPrefix } };

    public static SequenceStart FromWire(V1.SequenceStart wire) =>
        new(wire.PromptLength, SamplingCodec.FromWire(wire.Sampling ?? throw Malformed("a sequence starts without sampling parameters"))) { CachedPrefix = [.. wire.CachedPrefix] };

    public static IEnumerable<int> ToWire(IEnumerable<BlockUpdate> updates) =>
        updates.SelectMany<BlockUpdate, int>(update => [update.Group, update.Index, update.Block]);

    public static BlockUpdate[] FromWire(IReadOnlyList<int> triples)
    {
        if (triples.Count % 3 != 0)
        {
            throw Malformed($"block updates come in triples, got {triples.Count} numbers");
        }

        var updates = new BlockUpdate[triples.Count / 3];
        for (var i = 0; i < updates.Length; i++)
        {
            updates[i] = new BlockUpdate(triples[3 * i], triples[(3 * i) + 1], triples[(3 * i) + 2]);
        }

        return updates;
    }

    private static Slice ToWire(SequenceSlice slice)
    {
        var wire = new Slice
        {
            Sequence = slice.Sequence.Value,
            FirstPosition = slice.FirstPosition,
            Logits = (uint)slice.Logits,
            Start = slice.Start is { } start ? ToWire(start) : null,
        };
        wire.Tokens.AddRange(slice.Tokens);
        wire.BlockUpdates.AddRange(ToWire(slice.BlockUpdates));
        if (slice.NextToken is { } next)
        {
            wire.NextToken = next;
        }

        return wire;
    }

    private static SequenceSlice FromWire(Slice wire)
    {
        var logits = (LogitsRequest)wire.Logits;
        if ((logits & ~KnownRequests) != 0)
        {
            throw Malformed($"unknown logits request {wire.Logits}");
        }

        return new SequenceSlice
        {
            Sequence = new SequenceId(wire.Sequence),
            FirstPosition = wire.FirstPosition,
            Tokens = [.. wire.Tokens],
            BlockUpdates = FromWire(wire.BlockUpdates),
            Logits = logits,
            NextToken = wire.HasNextToken ? wire.NextToken : null,
            Start = wire.Start is { } start ? FromWire(start) : null,
        };
    }

    private static StageException Malformed(string message) => new(StageError.Malformed, message);
}
