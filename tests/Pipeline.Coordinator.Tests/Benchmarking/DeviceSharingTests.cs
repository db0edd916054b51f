using Pipeline.Coordinator.Benchmarking;
using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Tests.Benchmarking;

public class DeviceSharingTests
{
    [Fact]
    public void CountDevices_CpuStagesOfOneHost_AreOneDevice()
    {
        StageStatus[] stages = [Stage(0, "127.0.0.1:5001", "cpu"), Stage(1, "127.0.0.1:5002", "cpu")];
        Assert.Equal(1, DeviceSharing.CountDevices(stages));
        Assert.StartsWith("with 2 stages, all 2 stages share one CPU (device of 0)", DeviceSharing.Describe(stages), StringComparison.Ordinal);
    }

    [Fact]
    public void CountDevices_SameNameOnOtherHosts_AreSeveral()
    {
        StageStatus[] stages = [Stage(0, "gpu0:5001", "cuda:0"), Stage(1, "gpu1:5001", "cuda:0"), Stage(2, "[::1]:5001", "cuda:0")];
        Assert.Equal(3, DeviceSharing.CountDevices(stages));
        Assert.Null(DeviceSharing.Describe(stages));
    }

    [Fact]
    public void Describe_SomeStagesTogether_NamesThem()
    {
        StageStatus[] stages = [Stage(0, "a:1", "cuda:0"), Stage(1, "a:2", "cuda:1"), Stage(2, "a:3", "cuda:0")];
        Assert.Equal(2, DeviceSharing.CountDevices(stages));
        Assert.Contains("stages 0, 2 share one GPU", DeviceSharing.Describe(stages), StringComparison.Ordinal);
    }

    /// <summary>With MPS the claim that stages take turns would be false.</summary>
    [Fact]
    public void Describe_StagesThatComputeAtTheSameTime_SaysSo()
    {
        StageStatus[] turns = [Stage(0, "a:1", "cuda:0"), Stage(1, "a:2", "cuda:0")];
        Assert.Contains("take turns", DeviceSharing.Describe(turns), StringComparison.Ordinal);
        StageStatus[] atOnce = [.. turns.Select(stage => stage with { HasConcurrentProcesses = true })];
        Assert.DoesNotContain("take turns", DeviceSharing.Describe(atOnce), StringComparison.Ordinal);
        Assert.Contains("at the same time", DeviceSharing.Describe(atOnce), StringComparison.Ordinal);
    }

    private static StageStatus Stage(int index, string address, string device) => new()
    {
        Shard = new ShardAssignment(index, 4, new LayerRange(index, index + 1)),
        Address = address,
        Device = device,
        DeviceName = $"device of {index}",
        ProcessId = 1,
        WeightBytes = 0,
        CacheBytes = 0,
        Kernels = "torch",
        Threads = 1,
        LoadSeconds = 0,
        ClockOffset = 0,
    };
}
