using System.Net;
using System.Text;
using System.Text.Json;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>Bodies whose text is none: half a surrogate pair, or bytes that are no UTF-8. Wherever that is, the client is told.</summary>
public class MalformedTextTests
{
    private const string Completions = "/v1/completions";
    private const string Chat = "/v1/chat/completions";

    [Theory]
    [InlineData(Completions, """{"prompt":"a\ud800"}""", @"\ud800")]
    [InlineData(Completions, """{"prompt":["a","\uDC00\ud800"]}""", @"\uDC00")]
    [InlineData(Completions, """{"prompt":"x","stop":"\ud83d\u0041"}""", @"\ud83d")]
    [InlineData(Completions, """{"prompt":"x","model":"\\\ud800"}""", @"\ud800")]
    [InlineData(Completions, """{"prompt":"x","\udfff":1}""", @"\udfff")]
    [InlineData(Completions, """{"prompt":"x","logit_bias":{"\ud800":1}}""", @"\ud800")]
    [InlineData(Chat, """{"messages":[{"role":"\ud800","content":"x"}]}""", @"\ud800")]
    [InlineData("/tokenize", """{"prompt":"\ud800"}""", @"\ud800")]
    [InlineData("/detokenize", """{"tokens":[5],"\ud800":1}""", @"\ud800")]
    public async Task HalfACharacter_Is400ThatShowsIt(string path, string body, string shown)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var (status, error) = await server.RefusedAsync(path, body);

        Assert.Equal((400, "invalid_request_error"), (status, error.GetProperty("type").GetString()));
        Assert.Equal($"the body has {shown}, which is half a character; both halves of the pair are wanted", error.GetProperty("message").GetString());
    }

    [Theory]
    [InlineData(Completions, """{"prompt":"!"}""")]
    [InlineData(Completions, """{"prompt":"x","!":1}""")]
    [InlineData(Chat, """{"messages":[{"role":"user","content":"!"}]}""")]
    [InlineData("/tokenize", """{"prompt":"!"}""")]
    public async Task BytesThatAreNoUtf8_Are400(string path, string body)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");
        var bytes = Encoding.ASCII.GetBytes(body);
        bytes[body.IndexOf('!', StringComparison.Ordinal)] = 0xff;

        using var answer = await server.Http.PostAsync(path, new ByteArrayContent(bytes), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("the body is no UTF-8; JSON in UTF-8 is wanted", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ByteOrderMark_BeforeTheBody_IsNoPartOfIt()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        using var answer = await server.Http.PostAsync("/tokenize", new ByteArrayContent([.. Encoding.UTF8.Preamble, .. """{"prompt":"x"}"""u8]), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task WholeCharacters_InAnyNotation_AreText()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        using var answer = await server.Http.PostAsync("/tokenize", new StringContent("""{"prompt":"\\ud800 \ud83d\ude00\uD83D\uDE00\u0000\n\""}"""), TestContext.Current.CancellationToken);

        var tokens = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("tokens");
        var text = await server.AskAsync("/detokenize", new { tokens });
        Assert.Equal("\\ud800 \U0001F600\U0001F600\0\n\"", text.GetProperty("prompt").GetString());
    }
}
