using CsCheck;
using Google.Protobuf;
using Pipeline.Protos.Codec;
using Pipeline.Shared.Stages;
using Wire = Pipeline.Protos.V1;

namespace Pipeline.Protos.Tests.Codec;

/// <summary>Messages that are good protobuf and yet nothing we would send are refused by name.</summary>
public class MalformedMessageTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(3001)]
    public void BlockUpdates_NotInTriples_AreMalformed(int numbers)
    {
        var slice = new Wire.Slice { BlockUpdates = { Enumerable.Range(0, numbers) } };
        AssertMalformed(() => MicrobatchCodec.FromWire(new Wire.MicrobatchHeader { Slices = { slice } }), $"{numbers} numbers");
    }

    [Theory]
    [InlineData(8u)]
    [InlineData(9u)]
    [InlineData(0x80000000u)]
    [InlineData(uint.MaxValue)]
    public void Logits_WithUnknownBits_AreMalformed(uint bits) =>
        AssertMalformed(() => MicrobatchCodec.FromWire(new Wire.MicrobatchHeader { Slices = { new Wire.Slice { Logits = bits } } }), $"{bits}");

    [Fact]
    public void Start_WithoutSampling_IsMalformed()
    {
        var slice = new Wire.Slice { Start = new Wire.SequenceStart { PromptLength = 3 } };
        AssertMalformed(() => MicrobatchCodec.FromWire(new Wire.MicrobatchHeader { Slices = { slice } }), "sampling");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4097)]
    public void RawLogits_OfNoWholeFloats_AreMalformed(int bytes)
    {
        var slice = new Wire.SliceResult { Logits = ByteString.CopyFrom(new byte[bytes]) };
        AssertMalformed(() => ResultCodec.FromWire(new Wire.MicrobatchResult { Slices = { slice } }), $"{bytes} bytes");
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(0, 1)]
    [InlineData(3, 0)]
    public void Alternatives_OfUnequalCounts_AreMalformed(int tokens, int logprobs)
    {
        var sampled = new Wire.SampledToken { TopTokens = { Enumerable.Range(0, tokens) }, TopLogprobs = { Enumerable.Repeat(-1f, logprobs) } };
        AssertMalformed(() => ResultCodec.FromWire(new Wire.MicrobatchResult { Slices = { new Wire.SliceResult { Sampled = sampled } } }), $"{tokens}");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void ElementType_OfUnknownNumber_IsMalformed(int number)
    {
        AssertMalformed(() => ElementTypeCodec.FromWire((Wire.ElementType)number), $"{number}");
        var shape = ModelShapeCodec.ToWire(ModelGens.Config.Single(_ => true, "0000001ddCy0"));
        shape.WeightType = (Wire.ElementType)number;
        AssertMalformed(() => ModelShapeCodec.FromWire(shape), $"{number}");
    }

    private static void AssertMalformed(Func<object> decode, string named)
    {
        var failure = Assert.Throws<StageException>(decode);
        Assert.Equal(StageError.Malformed, failure.Error);
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }
}
