using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Pipeline.Coordinator.Serving.Admission;
using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Coordinator.Tests.Tokenization;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>Prompts that cannot fit, and many large bodies at a time: both are refused for little.</summary>
public class LargeBodyTests
{
    private const string Completions = "/v1/completions";
    private const int Large = 15_000_000;
    private const long Enough = 32 << 20;

    [Theory]
    [InlineData(Completions, """{"prompt":"TEXT"}""", "prompt")]
    [InlineData(Completions, """{"prompt":["a","TEXT"]}""", "prompt[1]")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"TEXT"}]}""", "messages")]
    public async Task TextThatCannotFit_IsRefusedForItsBytes(string path, string body, string param)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");
        var bytes = (ServerUnderTest.Served.MaxModelLength * Tokenizers.Tiny.LongestPiece) + 1;

        var (status, error) = await server.RefusedAsync(path, body.Replace("TEXT", new string('a', bytes), StringComparison.Ordinal));

        Assert.Equal((400, param, "context_length_exceeded"), (status, error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
        Assert.Equal($"{param} has {bytes} bytes, which are 257 tokens or more; the model length is 256", error.GetProperty("message").GetString());
    }

    [Theory]
    [InlineData(Completions, """{"prompt":"TEXT"}""", "prompt")]
    [InlineData(Completions, """{"prompt":[IDS]}""", "prompt")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"TEXT"}]}""", "messages")]
    public async Task TooManyTokens_AreThePromptsFault(string path, string body, string param)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");
        var (text, ids) = (string.Concat(Enumerable.Repeat("0%", 200)), string.Join(',', Enumerable.Repeat(5, 257)));

        var (status, error) = await server.RefusedAsync(path, body.Replace("TEXT", text, StringComparison.Ordinal).Replace("IDS", ids, StringComparison.Ordinal));

        Assert.Equal((400, param, "context_length_exceeded"), (status, error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
        Assert.EndsWith("tokens; the model length is 256", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManyLargeBodiesAtATime_AreRefusedOneWayOrTheOther_AndTheServerGoesOn()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");
        var body = Encoding.ASCII.GetBytes($$"""{"prompt":"{{new string('a', Large)}}"}""");

        var statuses = await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ =>
        {
            using var answer = await server.Http.PostAsync(Completions, new ByteArrayContent(body), Token);
            return answer.StatusCode;
        }));

        Assert.All(statuses, status => Assert.True(status is HttpStatusCode.BadRequest or HttpStatusCode.TooManyRequests, $"{status}"));
        await server.AskAsync(Completions, new { prompt = "x", max_tokens = 1 });
    }

    [Fact]
    public async Task BodiesThatAreBeingRead_AreBoundedTogether()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");
        using var slow = new StallingContent(Large);
        using var alsoSlow = new StallingContent(Large);
        var (first, second) = (server.Http.PostAsync(Completions, slow, Token), server.Http.PostAsync(Completions, alsoSlow, Token));
        await Eventually.HoldsAsync(() => server.Budget.Taken == 2 * Large);

        var (status, error) = await server.RefusedAsync("/tokenize", JsonSerializer.Serialize(new { prompt = new string('a', Large) }));
        await server.AskAsync(Completions, new { prompt = "x", max_tokens = 1 });
        slow.GoOn();
        alsoSlow.GoOn();

        Assert.Equal((429, "rate_limit_exceeded"), (status, error.GetProperty("code").GetString()));
        Assert.All(await Task.WhenAll(first, second), answer => Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode));
        await Eventually.HoldsAsync(() => server.Budget.Taken == 0);
        using var later = await server.Http.PostAsJsonAsync("/tokenize", new { prompt = "a" }, Token);
        Assert.Equal(HttpStatusCode.OK, later.StatusCode);
    }

    [Fact]
    public void Budget_TakesWhatIsThere_AndNothingWhenThatIsTooLittle()
    {
        var budget = new BodyBudget(10);
        budget.Take(6);

        var refused = Assert.Throws<ApiException>(() => budget.Take(5));

        Assert.Equal((429, true), (refused.Status, refused.RetryAfter is not null));
        Assert.Equal(6, budget.Taken);
        budget.Take(4);
    }

    [Theory]
    [InlineData(1, Enough)]
    [InlineData(20 << 20, 40 << 20)]
    [InlineData(long.MaxValue, long.MaxValue)]
    public void Budget_HasRoomForTwoOfTheLargest(long largest, long expected)
    {
        var budget = BodyBudget.For(largest);

        budget.Take(expected);

        Assert.Equal(expected, budget.Taken);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
