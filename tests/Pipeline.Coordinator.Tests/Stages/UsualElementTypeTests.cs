using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Tests.Stages;

public class UsualElementTypeTests
{
    [Theory]
    [InlineData(ElementType.Float32, "cpu")]
    [InlineData(ElementType.Float32, "cpu", "cpu", "cpu")]
    [InlineData(ElementType.Float16, "cuda:0")]
    [InlineData(ElementType.Float16, "cpu", "cuda:1")]
    public void On_Devices_IsTheCheckpointsOwnUnlessAllAreCpus(ElementType expected, params string[] devices)
    {
        Assert.True(KnownModels.TryGet("mistral-7b-v0.1", out var model));
        Assert.Equal(expected, UsualElementType.On(devices, model with { WeightType = ElementType.Float16 }));
    }
}
