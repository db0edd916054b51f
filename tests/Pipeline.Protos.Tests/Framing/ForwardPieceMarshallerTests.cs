using CsCheck;
using Google.Protobuf;
using Grpc.Core;
using Pipeline.Protos.Codec;
using Pipeline.Protos.Framing;
using Pipeline.Protos.Tests.Codec;
using Pipeline.Protos.V1;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Tests.Framing;

/// <summary>The hand-written marshaller against the generated <see cref="ForwardFrame"/>, and against bytes that are no frame.</summary>
public class ForwardPieceMarshallerTests
{
    private static readonly Gen<ForwardFrame> Frames =
        from microbatch in BatchingGens.Microbatch.Null()
        from hidden in Gen.Select(Gen.Enum<ElementType>(), Gen.Int, Gen.Int, (type, rows, width) => new TensorHeader { ElementType = type, Rows = rows, Width = width }).Null()
        from offset in Gen.OneOf(Gen.OneOf(0L, 1, 127, 128, 16383, 16384, int.MaxValue, 1L << 32, long.MaxValue), Gen.Long[0, long.MaxValue])
        from data in Gen.Byte.Array[0, 300]
        select Frame(microbatch is null ? null : MicrobatchCodec.ToWire(microbatch), hidden, offset, data);

    [Fact]
    public void RandomFrames_OfEitherSide_AreReadByTheOther() => FixedSeeds.ForEach(Frames, 500, AssertInterchangeable);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(16383)]
    [InlineData(16384)]
    [InlineData(256 * 1024)]
    public void Data_OfAnySize_IsReadByTheOther(int size)
    {
        var data = new byte[size];
        new Random(size).NextBytes(data);
        foreach (var offset in (long[])[0, 256 * 1024, 5_000_000_000, long.MaxValue])
        {
            AssertInterchangeable(Frame(null, null, offset, data));
            AssertInterchangeable(Frame(new MicrobatchHeader { Step = 1 }, new TensorHeader { Rows = 1 }, offset, data));
        }
    }

    [Fact]
    public void ReadPiece_WithData_OwnsItsBytes()
    {
        var bytes = Frame(null, null, 0, [1, 2, 3]).ToByteArray();
        var piece = Read(bytes, bytes.Length);
        bytes.AsSpan().Clear();

        Assert.NotNull(piece.Owner);
        Assert.Equal([1, 2, 3], piece.Data.ToArray());
        Assert.Equal(piece.Data.ToArray(), piece.Owner.Memory[..3].ToArray());
    }

    [Fact]
    public void RandomBytes_OfAnyLength_AreReadOrMalformed() =>
        FixedSeeds.ForEach(Gen.Byte.Array[0, 64], 2000, AssertReadOrMalformed);

    [Fact]
    public void MutatedFrames_OfAnyKind_AreReadOrMalformed()
    {
        var inputs =
            from frame in Frames
            from cuts in Gen.Select(Gen.Int[0, int.MaxValue], Gen.Bool)
            from changes in Gen.Select(Gen.Int[0, int.MaxValue], Gen.Byte).Array[1, 3]
            select Mutate(frame.ToByteArray(), cuts.Item2 ? cuts.Item1 : 0, changes);
        FixedSeeds.ForEach(inputs, 2000, AssertReadOrMalformed);
    }

    [Theory]
    [InlineData("22FFFFFFFF07")] // 2 GiB of data announced, none there
    [InlineData("0AFFFFFFFFFFFFFFFFFF01")] // a header of 2^64 - 1 bytes
    [InlineData("22FFFFFFFFFFFFFFFF7F")] // 2^63 - 1 bytes of data
    [InlineData("2205010203")] // cut within the data
    [InlineData("22")] // cut before the length
    [InlineData("2280")] // cut within the length
    [InlineData("18FFFFFFFFFFFFFFFFFF01")] // offset -1
    [InlineData("18FFFFFFFFFFFFFFFFFFFFFF01")] // a number of more than ten bytes
    [InlineData("2801")] // field 5
    [InlineData("2A0100")] // field 5, bytes
    [InlineData("1A0100")] // offset as bytes
    [InlineData("2001")] // data as a number
    [InlineData("00")] // field 0
    [InlineData("0A0122")] // a microbatch that is cut
    [InlineData("2203010203FF")] // good data, then nonsense: the buffer must go back
    public void BadBytes_OfEveryKind_AreMalformed(string hex)
    {
        foreach (var segment in (int[])[1, 1024])
        {
            var failure = Assert.Throws<RpcException>(() => Read(Convert.FromHexString(hex), segment));
            Assert.Equal(StageError.Malformed, StageErrorCodec.FromRpc(failure, null).Error);
        }
    }

    [Fact]
    public void AnnouncedGigabytes_ThatAreNotThere_AreNotAllotted()
    {
        var bytes = Convert.FromHexString("22FFFFFFFF07");
        Assert.Throws<RpcException>(() => Read(bytes, 1024));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<RpcException>(() => Read(bytes, 1024));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    private static void AssertInterchangeable(ForwardFrame frame)
    {
        var written = BufferSerializationContext.Bytes(
            ForwardPieceMarshaller.Instance, new ForwardPiece { Microbatch = frame.Microbatch, Hidden = frame.Hidden, Offset = frame.Offset, Data = frame.Data.Memory });
        Assert.Equal(frame, ForwardFrame.Parser.ParseFrom(written));

        foreach (var segment in (int[])[frame.Data.Length > 1000 ? 997 : 1, 4096, int.MaxValue / 2])
        {
            var piece = Read(frame.ToByteArray(), segment);
            Assert.Equal(frame, Frame(piece.Microbatch, piece.Hidden, piece.Offset, piece.Data.Span));
            piece.Owner?.Dispose();
        }
    }

    private static void AssertReadOrMalformed(byte[] bytes)
    {
        try
        {
            var piece = Read(bytes, 7);
            Assert.True(piece.Offset >= 0 && piece.Data.Length <= bytes.Length);
            piece.Owner?.Dispose();
        }
        catch (RpcException exception)
        {
            Assert.Equal(StageError.Malformed, StageErrorCodec.FromRpc(exception, null).Error);
        }
    }

    private static byte[] Mutate(byte[] bytes, int cut, (int Place, byte Value)[] changes)
    {
        var mutated = bytes[..(bytes.Length - (cut % (bytes.Length + 1)))];
        foreach (var (place, value) in changes.Where(_ => mutated.Length > 0))
        {
            mutated[place % Math.Min(mutated.Length, 40)] = value;
        }

        return mutated;
    }

    private static ForwardPiece Read(byte[] bytes, int segmentBytes) =>
        SegmentedDeserializationContext.Read(ForwardPieceMarshaller.Instance, bytes, segmentBytes);

    private static ForwardFrame Frame(MicrobatchHeader? microbatch, TensorHeader? hidden, long offset, ReadOnlySpan<byte> data) =>
        new() { Microbatch = microbatch, Hidden = hidden, Offset = offset, Data = ByteString.CopyFrom(data) };
}
