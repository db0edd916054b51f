using Pipeline.Shared.Sampling;
using Pipeline.Shared.Stages;
using Wire = Pipeline.Protos.V1;

namespace Pipeline.Protos.Codec;

/// <summary>Sampling parameters and sampled tokens on the wire.</summary>
public static class SamplingCodec
{
    public static Wire.SamplingParams ToWire(SamplingParams sampling)
    {
        var wire = new Wire.SamplingParams
        {
            Temperature = sampling.Temperature,
            TopP = sampling.TopP,
            TopK = sampling.TopK,
            MinP = sampling.MinP,
            RepetitionPenalty = sampling.RepetitionPenalty,
            PresencePenalty = sampling.PresencePenalty,
            FrequencyPenalty = sampling.FrequencyPenalty,
            Seed = sampling.Seed,
            MinTokens = sampling.MinTokens,
        };
        if (sampling.Logprobs is { } logprobs)
        {
            wire.Logprobs = logprobs;
        }

        wire.StopTokenIds.AddRange(sampling.StopTokenIds);
        foreach (var (token, bias) in sampling.LogitBias)
        {
            wire.LogitBias.Add(token, bias);
        }

        return wire;
    }

    public static SamplingParams FromWire(Wire.SamplingParams wire) => new()
    {
        Temperature = wire.Temperature,
        TopP = wire.TopP,
        TopK = wire.TopK,
        MinP = wire.MinP,
        RepetitionPenalty = wire.RepetitionPenalty,
        PresencePenalty = wire.PresencePenalty,
        FrequencyPenalty = wire.FrequencyPenalty,
        Seed = wire.Seed,
        MinTokens = wire.MinTokens,
        Logprobs = wire.HasLogprobs ? wire.Logprobs : null,
        StopTokenIds = [.. wire.StopTokenIds],
        LogitBias = new Dictionary<int, float>(wire.LogitBias),
    };

    public static Wire.SampledToken ToWire(SampledToken sampled)
    {
        var wire = new Wire.SampledToken { Token = sampled.Token };
        if (sampled.Logprob is { } logprob)
        {
            wire.Logprob = logprob;
        }

        foreach (var top in sampled.Top)
        {
            wire.TopTokens.Add(top.Token);
            wire.TopLogprobs.Add(top.Logprob);
        }

        return wire;
    }

    public static SampledToken FromWire(Wire.SampledToken wire) => wire.TopTokens.Count == wire.TopLogprobs.Count
        ? new(wire.Token, wire.HasLogprob ? wire.Logprob : null, [.. wire.TopTokens.Zip(wire.TopLogprobs, (token, logprob) => new TokenLogprob(token, logprob))])
        : throw new StageException(StageError.Malformed, $"{wire.TopTokens.Count} alternatives come with {wire.TopLogprobs.Count} log-probabilities");
}
