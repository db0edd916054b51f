using System.Net.Security;

namespace Pipeline.Coordinator.Serving;

/// <summary>How the server meets its clients.</summary>
internal sealed record ServerOptions
{
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0 lets the system choose.</summary>
    public int Port { get; init; } = 8000;

    /// <summary>What is shown to clients, asked at every handshake; null serves clear text.</summary>
    public Func<SslStreamCertificateContext>? Certificate { get; init; }

    /// <summary>Empty lets everybody in.</summary>
    public IReadOnlyList<string> ApiKeys { get; init; } = [];

    public int? MaxConcurrentPerKey { get; init; }

    public long MaxRequestBytes { get; init; } = 16 << 20;

    /// <summary>Sequences that are worked on at the same time.</summary>
    public required int MaxSequences { get; init; }

    /// <summary>Sequences that may wait beside them.</summary>
    public int MaxQueue { get; init; } = 256;

    /// <summary>Time that a request may take; null sets no limit.</summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>How long requests wait for a stage that was lost. It is brought back however long that takes.</summary>
    public TimeSpan RecoveryTimeout { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>A stage that has one step for longer is taken for hung, and its place filled anew; null never does that.</summary>
    public TimeSpan? StepTimeout { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>How long the end of the server waits for running requests.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a stage may be silent before the server is not ready any more.</summary>
    public TimeSpan ReadyTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Silence after which a stream shows that it is alive.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What is kept for a client that does not read its stream.</summary>
    public long MaxBufferedBytes { get; init; } = 256 << 10;

    /// <summary>Collector that traces are sent to; null records none.</summary>
    public Uri? OtlpEndpoint { get; init; }

    /// <summary>Share of the requests that are traced, of those whose client has not decided it.</summary>
    public double TraceSampleRatio { get; init; } = 1;
}
