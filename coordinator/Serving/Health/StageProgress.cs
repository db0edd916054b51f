using System.Globalization;

namespace Pipeline.Coordinator.Serving.Health;

/// <summary>How far a stage's worker has come. Of a worker that is lost it begins anew.</summary>
internal sealed record StageProgress
{
    public long Done { get; init; }

    public long Total { get; init; }

    public bool IsReached { get; init; }

    public bool IsLoaded { get; init; }

    /// <summary>Why there is no worker, or why there is none any more.</summary>
    public string Problem { get; init; } = "";

    /// <summary>Two words at most for a table: empty when there is nothing to say against it.</summary>
    public string Trouble => IsLoaded ? "" : IsReached ? string.Create(CultureInfo.InvariantCulture, $"loading {(Total > 0 ? 100.0 * Done / Total : 0):F0} %") : "lost";
}
