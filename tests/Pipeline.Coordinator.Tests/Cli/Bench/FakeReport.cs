using Pipeline.Coordinator.Benchmarking;
using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Tests.Cli.Bench;

/// <summary>A report whose every number is known.</summary>
internal static class FakeReport
{
    public static BenchmarkReport Create() => new(
        "tiny, \"mixed\" | model",
        7_340_032,
        1_835_008,
        new BenchmarkEnvironment(new DateTimeOffset(2025, 1, 2, 3, 4, 5, TimeSpan.Zero), "1.2.3", ".NET 10.0.0", "Linux", "Processor X", 2),
        new BenchmarkSettings(2, 1, 7, 25),
        [new PipelineSummary(2, 2, ElementType.Float32, false, 4, 2048, 640, 16, "ipc", [Stage()])],
        ["with 2 stages, all 2 stages share one CPU (Processor X): they take turns on it, so more stages add no computing power"],
        [Prefill(), Decode()]);

    private static BenchmarkResult Prefill() => new()
    {
        Test = "pp16",
        Definition = new BenchmarkTest(TestKind.Prefill, 16, 0, 1, BatchScaling.Strong, 1),
        Device = "cpu",
        Kernels = "torch",
        ComputeType = ElementType.Float32,
        Stages = 1,
        Microbatches = 1,
        Threads = 2,
        TokensPerSecond = new SampleStatistics(1234.5678, 12.345, 1233.25, 1220.5, 1246.5),
        Samples = [1220.5, 1246.5],
        WarmUps = 2,
        TimeToFirstTokenMilliseconds = new Distribution(2, 12.96, 13.1, 13.14),
        BubbleMeasured = 0.015,
        BubblePredicted = 0,
        VersusOneStage = 1,
    };

    private static BenchmarkResult Decode() => new()
    {
        Test = "tg8@32 x2/stage",
        Definition = new BenchmarkTest(TestKind.Decode, 8, 32, 4, BatchScaling.Weak, 2),
        Device = "cpu",
        Kernels = "torch",
        ComputeType = ElementType.Float32,
        Stages = 2,
        Microbatches = 2,
        Threads = 1,
        TokensPerSecond = new SampleStatistics(87.654, 0.5, 87.75, 87.25, 88.25),
        Samples = [87.25, 88.25],
        WarmUps = 1,
        TokenIntervalMilliseconds = new Distribution(56, 45.04, 47.5, 60.26),
        BubbleMeasured = 0.25,
        BubblePredicted = 0.125,
        HopMicroseconds = new Distribution(64, 310.4, 420, 999.6),
        CoordinatorMicroseconds = new Distribution(30, 450.5, 600, 700),
        VersusOneStage = 1.456,
        ReadGigabytesPerSecond = 12.5,
        ShareOfBound = 0.5,
    };

    private static StageStatus Stage() => new()
    {
        Shard = new ShardAssignment(0, 2, new LayerRange(0, 4)),
        Address = "127.0.0.1:5001",
        Device = "cpu",
        DeviceName = "Processor X",
        ProcessId = 42,
        WeightBytes = 1000,
        CacheBytes = 2000,
        Kernels = "torch",
        Threads = 1,
        LoadSeconds = 0.5,
        ClockOffset = 0,
    };
}
