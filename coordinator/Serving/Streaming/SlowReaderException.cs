namespace Pipeline.Coordinator.Serving.Streaming;

/// <summary>More is waiting for a client than the server keeps.</summary>
internal sealed class SlowReaderException : Exception;
