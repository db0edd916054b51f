using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>One row: a test on a pipeline, all repetitions together.</summary>
public sealed record BenchmarkResult
{
    public required string Test { get; init; }

    public required BenchmarkTest Definition { get; init; }

    /// <summary>Kind of the stages' devices: cpu or cuda.</summary>
    public required string Device { get; init; }

    public required string Kernels { get; init; }

    public required ElementType ComputeType { get; init; }

    public required int Stages { get; init; }

    /// <summary>Microbatches that this test had in flight at the same time, at most.</summary>
    public required int Microbatches { get; init; }

    /// <summary>Threads of each stage.</summary>
    public required int Threads { get; init; }

    public required SampleStatistics TokensPerSecond { get; init; }

    /// <summary>Tokens per second of every repetition.</summary>
    public required IReadOnlyList<double> Samples { get; init; }

    public required int WarmUps { get; init; }

    /// <summary>Prefill only: from the request to the first token of each sequence.</summary>
    public Distribution? TimeToFirstTokenMilliseconds { get; init; }

    /// <summary>Decode only: between two tokens of a sequence.</summary>
    public Distribution? TokenIntervalMilliseconds { get; init; }

    /// <summary>Share of all stages' time in which they did not compute; mean over the repetitions.</summary>
    public double? BubbleMeasured { get; init; }

    /// <summary>The share that the schedule alone explains, with equal stages and free hops.</summary>
    public double? BubblePredicted { get; init; }

    /// <summary>From the end of a stage's computation until the next has the step; null with one stage.</summary>
    public Distribution? HopMicroseconds { get; init; }

    /// <summary>Decode only: from the end of the last stage's computation until the first has the microbatch's next step.</summary>
    public Distribution? CoordinatorMicroseconds { get; init; }

    /// <summary>Throughput over that of the same test on one stage; with weak scaling that has the batch of one stage.</summary>
    public double? VersusOneStage { get; init; }

    /// <summary>Decode only: weights and cache that had to be read, over the time it took, in GB/s.</summary>
    public double? ReadGigabytesPerSecond { get; init; }

    /// <summary>Of the memory bandwidth of all devices together, where the user gave that of one.</summary>
    public double? ShareOfBound { get; init; }
}
