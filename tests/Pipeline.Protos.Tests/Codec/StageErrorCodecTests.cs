using Grpc.Core;
using Pipeline.Protos.Codec;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Tests.Codec;

/// <summary>Typed failures survive gRPC; statuses that are not ours become the failure that they mean.</summary>
public class StageErrorCodecTests
{
    public static TheoryData<StageError> Errors => [.. Enum.GetValues<StageError>()];

    [Theory]
    [MemberData(nameof(Errors))]
    public void StageError_ThroughRpc_KeepsTypeMessageStageAndStep(StageError error)
    {
        var back = StageErrorCodec.FromRpc(StageErrorCodec.ToRpc(new StageException(error, "größer als 7 %", 3) { Step = 1L << 40 }), 9);

        Assert.Equal((error, "größer als 7 %", 3, 1L << 40), (back.Error, back.Message, back.StageIndex, back.Step));
    }

    [Theory]
    [MemberData(nameof(Errors))]
    public void StageError_WithoutStage_GetsTheCalledOne(StageError error)
    {
        var rpc = StageErrorCodec.ToRpc(new StageException(error, "message"));

        Assert.Equal(9, StageErrorCodec.FromRpc(rpc, 9).StageIndex);
        Assert.Null(StageErrorCodec.FromRpc(rpc, null).StageIndex);
    }

    /// <summary>Generic clients see a status that fits: never OK, never Unknown.</summary>
    [Theory]
    [InlineData(StageError.Malformed, StatusCode.InvalidArgument)]
    [InlineData(StageError.WrongShape, StatusCode.InvalidArgument)]
    [InlineData(StageError.OutOfOrder, StatusCode.FailedPrecondition)]
    [InlineData(StageError.AlreadyInUse, StatusCode.FailedPrecondition)]
    [InlineData(StageError.BatchTooLarge, StatusCode.ResourceExhausted)]
    [InlineData(StageError.OutOfMemory, StatusCode.ResourceExhausted)]
    [InlineData(StageError.StageLost, StatusCode.Unavailable)]
    [InlineData(StageError.Timeout, StatusCode.DeadlineExceeded)]
    [InlineData(StageError.ComputeFailed, StatusCode.Internal)]
    public void StageError_ToRpc_HasTheFittingStatus(StageError error, StatusCode status) =>
        Assert.Equal(status, StageErrorCodec.ToRpc(new StageException(error, "message")).StatusCode);

    [Theory]
    [InlineData(StatusCode.DeadlineExceeded, StageError.Timeout)]
    [InlineData(StatusCode.Unimplemented, StageError.ProtocolMismatch)]
    [InlineData(StatusCode.ResourceExhausted, StageError.BatchTooLarge)]
    [InlineData(StatusCode.Unavailable, StageError.StageLost)]
    [InlineData(StatusCode.Cancelled, StageError.StageLost)]
    [InlineData(StatusCode.Internal, StageError.StageLost)]
    [InlineData(StatusCode.Unknown, StageError.StageLost)]
    public void PlainRpcException_FromRpc_BecomesWhatItMeans(StatusCode status, StageError error)
    {
        var rpc = new RpcException(new Status(status, "detail"));

        var failure = StageErrorCodec.FromRpc(rpc, 2);

        Assert.Equal((error, 2), (failure.Error, failure.StageIndex));
        Assert.Same(rpc, failure.InnerException);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1000")]
    [InlineData("-1")]
    [InlineData("99999999999")]
    [InlineData("Malformed")]
    [InlineData("")]
    public void UnknownErrorNumber_FromRpc_IsABrokenConnection(string number)
    {
        var rpc = new RpcException(new Status(StatusCode.InvalidArgument, "detail"), new Metadata { { "pipeline-error", number } });

        Assert.Equal(StageError.StageLost, StageErrorCodec.FromRpc(rpc, null).Error);
    }
}
