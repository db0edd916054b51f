using Microsoft.AspNetCore.Http;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Tokenization;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Serving.Errors;

/// <summary>The one place where failures of the floors below become answers.</summary>
internal static class Failures
{
    private static readonly TimeSpan StageRetry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LoadRetry = TimeSpan.FromSeconds(1);

    public static ApiException Describe(Exception failure) => failure switch
    {
        ApiException known => known,
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } bad =>
            new ApiException(bad.StatusCode, "invalid_request_error", $"the body is larger than this server takes: {bad.Message}") { Code = "request_too_large" },
        BadHttpRequestException bad => new ApiException(bad.StatusCode, "invalid_request_error", bad.Message),
        ChatRequestException chat => ApiException.Invalid("messages", chat.Message),
        RequestRejectedException rejected => Describe(rejected),
        StageException stage => Lost(stage),
        OperationCanceledException => ApiException.Unavailable("the pipeline is stopped", "stopping", LoadRetry),
        _ => new ApiException(StatusCodes.Status500InternalServerError, "server_error", $"unexpected {failure.GetType().Name}; the server's log tells more"),
    };

    /// <summary>The pipeline has ended because of this.</summary>
    public static ApiException Lost(StageException failure) => ApiException.Unavailable(
        $"{(failure.StageIndex is { } stage ? $"stage {stage}: " : "")}{failure.Message} ({failure.Error})", "stage_lost", StageRetry);

    private static ApiException Describe(RequestRejectedException rejected) => rejected.Reason switch
    {
        RejectionReason.EmptyPrompt => ApiException.Invalid("prompt", rejected.Message),
        RejectionReason.NegativeMaxTokens => ApiException.Invalid("max_tokens", rejected.Message),
        RejectionReason.TooLong or RejectionReason.CacheTooSmall => ApiException.TooLong("max_tokens", rejected.Message),
        // Whatever else the scheduler refuses, it refuses because of what else is running.
        _ => ApiException.TooMany(rejected.Message, LoadRetry),
    };
}
