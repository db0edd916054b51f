using System.Reflection;
using System.Runtime.InteropServices;
using CsCheck;
using Google.Protobuf;
using Pipeline.Protos.Codec;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Wire = Pipeline.Protos.V1;

namespace Pipeline.Protos.Tests.Codec;

/// <summary>Every record that travels comes back from its bytes as it was.</summary>
public class RoundTripTests
{
    [Fact]
    public void Microbatch_ThroughBytes_ComesBackEqual() =>
        FixedSeeds.ForEach(BatchingGens.Microbatch, 500, microbatch =>
            AssertSame(microbatch, MicrobatchCodec.FromWire(Wire.MicrobatchHeader.Parser.ParseFrom(MicrobatchCodec.ToWire(microbatch).ToByteArray()))));

    [Fact]
    public void SamplingParams_ThroughBytes_ComeBackEqual() =>
        FixedSeeds.ForEach(BatchingGens.Sampling, 500, sampling =>
            AssertSame(sampling, SamplingCodec.FromWire(Wire.SamplingParams.Parser.ParseFrom(SamplingCodec.ToWire(sampling).ToByteArray()))));

    [Fact]
    public void MicrobatchResult_ThroughBytes_ComesBackEqual() =>
        FixedSeeds.ForEach(ResultGens.Result, 500, result =>
            AssertSame(result, ResultCodec.FromWire(Wire.MicrobatchResult.Parser.ParseFrom(ResultCodec.ToWire(result).ToByteArray()))));

    [Fact]
    public void StepReport_ThroughBytes_ComesBackEqual() =>
        FixedSeeds.ForEach(ResultGens.Report, 500, report =>
            AssertSame(report, ResultCodec.FromWire(Wire.StepReport.Parser.ParseFrom(ResultCodec.ToWire(report).ToByteArray()), report.StageIndex)));

    [Fact]
    public void ModelConfig_ThroughBytes_ComesBackEqual() =>
        FixedSeeds.ForEach(ModelGens.Config, 500, config =>
            AssertSame(config, ModelShapeCodec.FromWire(Wire.ModelShape.Parser.ParseFrom(ModelShapeCodec.ToWire(config).ToByteArray()))));

    [Fact]
    public void ElementType_ThroughWire_IsTheSameUnderItsOwnNumber()
    {
        var numbers = Enum.GetValues<ElementType>().Select(ElementTypeCodec.ToWire).ToList();

        Assert.Equal([Wire.ElementType.Float32, Wire.ElementType.Float16, Wire.ElementType.Bfloat16], numbers);
        Assert.Equal(Enum.GetValues<ElementType>(), numbers.Select(ElementTypeCodec.FromWire));
    }

    /// <summary>Also the bits of NaN and of both zeros.</summary>
    [Fact]
    public void RawLogits_OfAnyBits_KeepTheirBits() =>
        FixedSeeds.ForEach(Gen.UInt.Array[1, 64], 200, bits =>
        {
            var logits = MemoryMarshal.Cast<uint, float>(bits).ToArray();
            var result = new MicrobatchResult(new PlanEpoch(1), 1, new MicrobatchId(0), [new SliceResult { Sequence = new SequenceId(1), Logits = logits }]);

            var back = ResultCodec.FromWire(ResultCodec.ToWire(result)).Slices[0].Logits;

            Assert.Equal(bits, MemoryMarshal.Cast<float, uint>(back).ToArray());
        });

    /// <summary>A property that somebody adds to a record must get into the generators, and with it into the round trips.</summary>
    [Fact]
    public void Generators_OfAllRecords_VaryEveryProperty()
    {
        AssertVaries(BatchingGens.Sampling);
        AssertVaries(BatchingGens.Microbatch);
        AssertVaries(BatchingGens.Microbatch.Where(batch => batch.Slices.Count > 0).Select(batch => batch.Slices[0]));
        AssertVaries(ResultGens.Result);
        AssertVaries(ResultGens.Result.Where(result => result.Slices.Count > 0).Select(result => result.Slices[0]));
        AssertVaries(ResultGens.Report);
        AssertVaries(ModelGens.Config);
    }

    private static void AssertSame<T>(T expected, T actual) => Assert.Equal(CanonicalText.Of(expected), CanonicalText.Of(actual));

    private static void AssertVaries<T>(Gen<T> gen)
    {
        var samples = new List<T>();
        FixedSeeds.ForEach(gen, 50, samples.Add);
        foreach (var property in typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite))
        {
            Assert.True(samples.Select(sample => CanonicalText.Of(property.GetValue(sample))).Distinct().Count() > 1, $"{typeof(T).Name}.{property.Name} is always the same");
        }
    }
}
