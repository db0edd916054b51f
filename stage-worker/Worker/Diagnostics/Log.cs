namespace Pipeline.StageWorker.Diagnostics;

/// <summary>Everything the worker logs. Ids are stable: 100 to 199.</summary>
internal static partial class Log
{
    [LoggerMessage(100, LogLevel.Information, "listening on {Address}, device {Device}")]
    public static partial void Listening(ILogger logger, string address, string device);

    [LoggerMessage(101, LogLevel.Information, "lease taken by {Coordinator}: stage {Stage} of {Stages}")]
    public static partial void LeaseTaken(ILogger logger, string coordinator, int stage, int stages);

    [LoggerMessage(102, LogLevel.Information, "lease ended; shard and cache are freed")]
    public static partial void LeaseEnded(ILogger logger);

    [LoggerMessage(103, LogLevel.Information, "layers {Layers}: {Bytes} bytes of weights loaded in {Seconds:F2} s")]
    public static partial void ShardLoaded(ILogger logger, string layers, long bytes, double seconds);

    [LoggerMessage(104, LogLevel.Warning, "{Error}: {Message}")]
    public static partial void StageFailed(ILogger logger, string error, string message);

    [LoggerMessage(105, LogLevel.Information, "the parent process is gone; stopping")]
    public static partial void ParentGone(ILogger logger);

    [LoggerMessage(106, LogLevel.Warning, "attempt {Attempt} of {Attempts} to load the shard failed: {Message}")]
    public static partial void LoadRetried(ILogger logger, int attempt, int attempts, string message);

    [LoggerMessage(107, LogLevel.Warning, "{Reason}")]
    public static partial void SlowerKernels(ILogger logger, string reason);

    [LoggerMessage(108, LogLevel.Warning, "refused {Peer}: {Reason}")]
    public static partial void PeerRefused(ILogger logger, string peer, string reason);

    [LoggerMessage(112, LogLevel.Warning, "{Peer} left after the handshake without a call: it presented {Certificate}, and may not accept what it was shown: {Shown}")]
    public static partial void PeerLeft(ILogger logger, string peer, string certificate, string shown);

    [LoggerMessage(109, LogLevel.Information, "new certificates are in use: {Certificate}")]
    public static partial void CertificatesReplaced(ILogger logger, string certificate);

    [LoggerMessage(110, LogLevel.Error, "the new certificates are not used, those before stay: {Reason}")]
    public static partial void CertificatesKept(ILogger logger, string reason);

    [LoggerMessage(111, LogLevel.Warning, "clear text on {Address} (--insecure): whoever reaches it can read and command this stage")]
    public static partial void ClearText(ILogger logger, string address);
}
