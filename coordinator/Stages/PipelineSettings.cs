using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages;

/// <summary>Everything that decides how a pipeline is built; resolved and checked before the first process starts.</summary>
public sealed record PipelineSettings
{
    public required ModelConfig Model { get; init; }

    /// <summary>The model's folder as the workers see it; empty for dummy weights.</summary>
    public required string ModelDirectory { get; init; }

    public bool DummyWeights { get; init; }

    public ulong DummySeed { get; init; }

    public required ShardPlan Plan { get; init; }

    /// <summary>Running workers by stage; empty launches local ones.</summary>
    public IReadOnlyList<string> Workers { get; init; } = [];

    /// <summary>The workers' hosts are looked up anew at every attempt, and the stages are told the addresses that were found.</summary>
    public bool ResolvesWorkers { get; init; }

    /// <summary>How long all workers together are waited for at the launch; null waits for each as long as <see cref="ConnectPatience"/>.</summary>
    public TimeSpan? WorkersPatience { get; init; }

    /// <summary>How long requests wait for a stage that was lost; it is brought back however long that takes. Null ends with the first loss.</summary>
    public TimeSpan? RecoveryPatience { get; init; }

    /// <summary>A stage that has a step for longer is taken for hung. Null waits as long as it takes.</summary>
    public TimeSpan? StepPatience { get; init; }

    /// <summary>Device of each local worker: cpu, or cuda:0, cuda:1, ...</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    public ElementType ComputeType { get; init; } = ElementType.Float32;

    /// <summary>Nobody asked for a type: the devices that running workers turn out to have decide, and <see cref="ComputeType"/> does not.</summary>
    public bool TypeFollowsWorkers { get; init; }

    /// <summary>Threads of each worker's step; 0 shares this host's cores among the workers that compute at the same time.</summary>
    public int Threads { get; init; }

    public string Kernels { get; init; } = "auto";

    /// <summary>Microbatches in flight; M.</summary>
    public required int Microbatches { get; init; }

    public required int MaxSequences { get; init; }

    public required int MaxBatchedTokens { get; init; }

    public required int MaxModelLength { get; init; }

    public required int BlockSize { get; init; }

    /// <summary>Sequences that begin alike share what is cached of their beginning.</summary>
    public bool PrefixCaching { get; init; }

    /// <summary>Requests that may wait besides those for whom there are seats; null for any number.</summary>
    public int? MaxWaiting { get; init; }

    /// <summary>Bytes of cache a stage may take; null takes what the sequences can need, as far as memory allows.</summary>
    public long? CacheBytesPerStage { get; init; }

    /// <summary>Share of a GPU's memory that weights, workspace and cache may take together.</summary>
    public double GpuMemoryUtilization { get; init; } = 0.9;

    /// <summary>Folder with the coordinator's certificates for the way to the workers; null speaks clear text.</summary>
    public string? TlsFolder { get; init; }

    /// <summary>Clear text also with workers on other hosts.</summary>
    public bool Insecure { get; init; }

    /// <summary>How steps travel between the processes.</summary>
    public HopTransport Transport { get; init; }

    /// <summary>How long one keeps trying to reach a worker.</summary>
    public TimeSpan ConnectPatience { get; init; } = TimeSpan.FromSeconds(10);

    public int StageCount => Plan.StageCount;

    /// <summary>
    /// Positions that a ring holds beside its window: a step writes its chunk before it attends, and a ring that leaves a
    /// shared block leaves all of it.
    /// </summary>
    public int RingReserve => MaxBatchedTokens + (PrefixCaching ? BlockSize - 1 : 0);
}
