namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>Why a request gave no measurement.</summary>
public enum FailureKind
{
    /// <summary>No connection, or it ended before there was an answer.</summary>
    Unreachable,

    /// <summary>An answer with a status other than success.</summary>
    HttpStatus,

    /// <summary>429: the server is full and says so. Counted apart, because that is what it should do.</summary>
    Throttled,

    /// <summary>The connection broke in the middle of the stream.</summary>
    BrokenStream,

    /// <summary>The stream ended as if it were complete, but without its last event.</summary>
    MissingDone,

    /// <summary>An event that is no chunk of a completion.</summary>
    MalformedEvent,

    /// <summary>The server reported an error inside the stream.</summary>
    ServerError,

    /// <summary>It took longer than a request may take.</summary>
    Timeout,

    /// <summary>The user ended the run before the request was through: neither a success nor a failure.</summary>
    Interrupted,
}
