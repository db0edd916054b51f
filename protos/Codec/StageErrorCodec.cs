using System.Globalization;
using Grpc.Core;
using Pipeline.Protos.Security;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Codec;

/// <summary>Typed stage failures as gRPC statuses and back: the one place where the two meet.</summary>
public static class StageErrorCodec
{
    private const string ErrorKey = "pipeline-error";
    private const string StageKey = "pipeline-stage";
    private const string StepKey = "pipeline-step";

    public static RpcException ToRpc(StageException exception)
    {
        var trailers = new Metadata { { ErrorKey, ((int)exception.Error).ToString(CultureInfo.InvariantCulture) } };
        if (exception.StageIndex is { } stage)
        {
            trailers.Add(StageKey, stage.ToString(CultureInfo.InvariantCulture));
        }

        if (exception.Step is { } step)
        {
            trailers.Add(StepKey, step.ToString(CultureInfo.InvariantCulture));
        }

        return new RpcException(new Status(StatusOf(exception.Error), exception.Message), trailers);
    }

    /// <summary>The typed failure behind an RPC failure. What carries no type of ours is a broken connection.</summary>
    public static StageException FromRpc(RpcException exception, int? stageIndex)
    {
        var stage = Number(exception.Trailers, StageKey) is { } told and <= int.MaxValue ? (int)told : stageIndex;
        if (Number(exception.Trailers, ErrorKey) is { } error and <= int.MaxValue && Enum.IsDefined((StageError)error))
        {
            return new StageException((StageError)error, exception.Status.Detail, stage, exception) { Step = Number(exception.Trailers, StepKey) };
        }

        if (CauseOf<UntrustedPeerException>(exception) is { } untrusted)
        {
            return new StageException(StageError.Untrusted, untrusted.Message, stage, exception);
        }

        return exception.StatusCode switch
        {
            StatusCode.DeadlineExceeded => new StageException(StageError.Timeout, "no answer within the deadline", stage, exception),
            StatusCode.Unimplemented => new StageException(StageError.ProtocolMismatch, "the other end does not speak this protocol", stage, exception),
            StatusCode.ResourceExhausted => new StageException(StageError.BatchTooLarge, exception.Status.Detail, stage, exception),
            _ when IsSilence(exception) => new StageException(StageError.StageLost, "connection lost (no answer to pings: the process is frozen, or its host or the way to it is gone)", stage, exception),
            _ => new StageException(StageError.StageLost, $"connection lost ({exception.Status.Detail})", stage, exception),
        };
    }

    /// <summary>The other end takes what is sent and says nothing. Only the text tells this from other breaches of HTTP/2.</summary>
    internal static bool IsSilence(RpcException exception) => CauseOf<HttpProtocolException>(exception)?.Message.Contains("respond to a ping", StringComparison.Ordinal) ?? false;

    /// <summary>The failure of that kind which led to this one, somewhere below what the transport makes of it.</summary>
    internal static T? CauseOf<T>(RpcException exception)
        where T : Exception
    {
        for (var cause = exception.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is T found)
            {
                return found;
            }
        }

        return null;
    }

    private static long? Number(Metadata trailers, string key) =>
        long.TryParse(trailers.GetValue(key), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static StatusCode StatusOf(StageError error) => error switch
    {
        StageError.NotReady or StageError.AlreadyInUse or StageError.WrongEpoch or StageError.OutOfOrder or StageError.ProtocolMismatch or StageError.StaleLease => StatusCode.FailedPrecondition,
        StageError.OutOfMemory or StageError.BatchTooLarge => StatusCode.ResourceExhausted,
        StageError.StageLost or StageError.Unreachable => StatusCode.Unavailable,
        StageError.Timeout => StatusCode.DeadlineExceeded,
        StageError.Untrusted => StatusCode.PermissionDenied,
        StageError.LoadFailed or StageError.DeviceUnavailable or StageError.DeviceLost or StageError.ComputeFailed => StatusCode.Internal,
        _ => StatusCode.InvalidArgument,
    };
}
