using System.Runtime.InteropServices;
using Google.Protobuf;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;
using Wire = Pipeline.Protos.V1;

namespace Pipeline.Protos.Codec;

/// <summary>Results and step reports on the wire.</summary>
public static class ResultCodec
{
    public static Wire.MicrobatchResult ToWire(MicrobatchResult result)
    {
        var wire = new Wire.MicrobatchResult { Epoch = result.Epoch.Value, Step = result.Step, Id = result.Id.Value };
        foreach (var slice in result.Slices)
        {
            wire.Slices.Add(ToWire(slice));
        }

        return wire;
    }

    public static MicrobatchResult FromWire(Wire.MicrobatchResult wire) =>
        new(new PlanEpoch(wire.Epoch), wire.Step, new MicrobatchId(wire.Id), [.. wire.Slices.Select(FromWire)]);

    public static Wire.StepReport ToWire(StepReport report) => new()
    {
        Step = report.Step,
        Microbatch = report.Microbatch.Value,
        Tokens = report.Tokens,
        Sequences = report.Sequences,
        Received = report.Received,
        Started = report.Started,
        Finished = report.Finished,
        Sent = report.Sent,
    };

    public static StepReport FromWire(Wire.StepReport wire, int stageIndex) => new(
        stageIndex, wire.Step, new MicrobatchId(wire.Microbatch), wire.Tokens, wire.Sequences, wire.Received, wire.Started, wire.Finished, wire.Sent);

    private static Wire.SliceResult ToWire(SliceResult slice)
    {
        var wire = new Wire.SliceResult { Sequence = slice.Sequence.Value };
        if (slice.Sampled is { } sampled)
        {
            wire.Sampled = SamplingCodec.ToWire(sampled);
        }

        if (slice.PromptLogprobs is { } logprobs)
        {
            wire.PromptLogprobs.AddRange(logprobs);
        }

        if (slice.Logits is { } logits)
        {
            wire.Logits = ByteString.CopyFrom(MemoryMarshal.AsBytes(logits.AsSpan()));
        }

        return wire;
    }

    private static SliceResult FromWire(Wire.SliceResult wire) => new()
    {
        Sequence = new SequenceId(wire.Sequence),
        Sampled = wire.Sampled is { } sampled ? SamplingCodec.FromWire(sampled) : null,
        PromptLogprobs = wire.PromptLogprobs.Count > 0 ? [.. wire.PromptLogprobs] : null,
        Logits = wire.Logits.Length > 0 ? Floats(wire.Logits) : null,
    };

    private static float[] Floats(ByteString bytes)
    {
        if (bytes.Length % sizeof(float) != 0)
        {
            throw new StageException(StageError.Malformed, $"{bytes.Length} bytes of logits are no whole number of floats");
        }

        return MemoryMarshal.Cast<byte, float>(bytes.Span).ToArray();
    }
}
