using Pipeline.Coordinator.Stages.Discovery;

namespace Pipeline.Coordinator.Tests.Stages.Discovery;

public class WorkerNamesTests
{
    [Theory]
    [InlineData("stage", "stage-0.stage:50051", "stage-1.stage:50051")]
    [InlineData("stage:6000", "stage-0.stage:6000", "stage-1.stage:6000")]
    [InlineData("stage.models.svc.cluster.local", "stage-0.stage.models.svc.cluster.local:50051", "stage-1.stage.models.svc.cluster.local:50051")]
    [InlineData("pipeline-0-{stage+1}.pipeline", "pipeline-0-1.pipeline:50051", "pipeline-0-2.pipeline:50051")]
    [InlineData("gpu{stage}.example:7", "gpu0.example:7", "gpu1.example:7")]
    [InlineData("127.0.0.{stage+11}:80", "127.0.0.11:80", "127.0.0.12:80")]
    public void Of_NameOrPattern_IsOneAddressForEachStage(string text, params string[] expected) => Assert.Equal(expected, WorkerNames.Of(text, 2));

    [Theory]
    [InlineData("")]
    [InlineData("stage:0")]
    [InlineData("stage:port")]
    [InlineData("two words")]
    [InlineData("stage-{stag}")]
    [InlineData("stage-{stage-1}.stage")]
    [InlineData("http://stage")]
    public void Of_AnythingElse_IsRefusedWithWhatWouldBeRight(string text)
    {
        var refusal = Assert.Throws<UserErrorException>(() => WorkerNames.Of(text, 2));

        Assert.StartsWith("--workers-dns wants the name of a headless service", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith($"got '{text}'", refusal.Message, StringComparison.Ordinal);
    }
}
