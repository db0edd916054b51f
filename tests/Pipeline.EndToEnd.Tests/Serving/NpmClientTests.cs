namespace Pipeline.EndToEnd.Tests.Serving;

/// <summary>The official npm client, unmodified. What it is to do stands in <c>tests/fixtures/npm-client</c>.</summary>
public sealed class NpmClientTests(SharedServer shared) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task EveryCheck_Succeeds()
    {
        var run = await new NodeScript("npm-client", "client.mjs", "openai").RunAsync(new Uri(shared.Server.Address, "/v1").ToString(), CoordinatorServer.Model);

        Assert.True(run.ExitCode == 0, $"{run.Output}\n{run.Error}");
        Assert.Equal(8, run.Output.Split('\n').Count(line => line.StartsWith("ok ", StringComparison.Ordinal)));
        await shared.Server.WaitUntilIdleAsync();
        Assert.Equal(1, shared.Server.Metrics("vllm:request_success_total", "\"abort\""));
    }
}
