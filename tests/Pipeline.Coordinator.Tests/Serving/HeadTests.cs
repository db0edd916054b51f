using System.Net;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>What probes and proxies ask to learn whether a path is there.</summary>
public class HeadTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("/health")]
    [InlineData("/health/ready")]
    [InlineData("/health/live")]
    [InlineData("/metrics")]
    [InlineData("/pipeline")]
    [InlineData("/version")]
    [InlineData("/v1/models")]
    [InlineData("/v1/models/scripted")]
    public async Task Head_IsAnsweredAsGet_WithoutBody(string path)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");
        using var request = new HttpRequestMessage(HttpMethod.Head, path);

        using var answer = await server.Http.SendAsync(request, Token);
        using var got = await server.Http.GetAsync(path, Token);

        Assert.Equal((HttpStatusCode.OK, got.Content.Headers.ContentType), (answer.StatusCode, answer.Content.Headers.ContentType));
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync(Token));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
