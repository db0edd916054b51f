namespace Pipeline.EndToEnd.Tests.Serving.Load;

/// <summary>
/// What a client gets does not depend on who else is there. The CPU kernels compute the same bits whatever the batch, so there
/// is no margin: text, tokens and log-probabilities are equal to the last digit.
/// </summary>
public sealed class TogetherEqualsAloneTests(AloneAnswers alone) : IClassFixture<AloneAnswers>
{
    private const string SmallCache = "400KiB";

    private static readonly string[] Common = ["--stages", "2", "--kernels", "cpu"];

    [Fact]
    public async Task WithoutPrefixCache()
    {
        await using var server = await AnswerTogetherAsync("--no-enable-prefix-caching");

        Assert.Equal((0, 0), (server.Metrics("vllm:prefix_cache_hits_total"), server.Metrics("vllm:num_preemptions_total")));
    }

    [Fact]
    public async Task WithPrefixCache()
    {
        await using var server = await AnswerTogetherAsync("--enable-prefix-caching");

        Assert.True(server.Metrics("vllm:prefix_cache_hits_total") > 500, $"{server.Metrics("vllm:prefix_cache_hits_total")} tokens were found in the cache");
    }

    /// <summary>Sequences are admitted by their prompts, and a cache that holds little more than those cannot hold the answers.</summary>
    [Theory]
    [InlineData("--enable-prefix-caching")]
    [InlineData("--no-enable-prefix-caching")]
    public async Task WithTooLittleCache(string prefixCaching)
    {
        await using var server = await AnswerTogetherAsync(prefixCaching, "--max-num-seqs", "12", "--max-num-batched-tokens", "48", "--block-size", "4", "--kv-cache-memory", SmallCache);

        var preemptions = server.Metrics("vllm:num_preemptions_total");
        TestContext.Current.TestOutputHelper!.WriteLine($"{preemptions} preemptions");
        // How many depends on who comes when.
        Assert.True(preemptions > 0, "nobody was preempted, so nothing was proved");
    }

    private async Task<CoordinatorServer> AnswerTogetherAsync(params string[] arguments)
    {
        var server = await CoordinatorServer.StartAsync([.. Common, .. arguments]);
        try
        {
            var together = await Task.WhenAll(alone.Calls.Select(call => call.AnswerAsync(server.Http, TestContext.Current.CancellationToken)));

            for (var index = 0; index < together.Length; index++)
            {
                Assert.Equal(alone.Answers[index], together[index]);
            }

            await server.WaitUntilIdleAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }
}
