using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Coordinator.Serving;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>The description of the interface, held against what the server does.</summary>
public class OpenApiTests
{
    [Fact]
    public async Task Document_NamesEveryPath()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var paths = (await DocumentAsync(server)).GetProperty("paths");

        Assert.Equal(
            ["/detokenize", "/health", "/health/live", "/health/ready", "/metrics", "/pipeline", "/pipeline/live", "/tokenize", "/v1/chat/completions", "/v1/completions", "/v1/models", "/v1/models/{name}", "/version"],
            paths.EnumerateObject().Select(path => path.Name).Order(StringComparer.Ordinal));
        Assert.All(paths.EnumerateObject().SelectMany(path => path.Value.EnumerateObject()), operation => Assert.NotEmpty(operation.Value.GetProperty("summary").GetString()!));
    }

    [Fact]
    public async Task Document_TellsAnswersByTheNamesOnTheWire()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var schemas = (await DocumentAsync(server)).GetProperty("components").GetProperty("schemas");

        Assert.True(schemas.GetProperty("Usage").GetProperty("properties").TryGetProperty("completion_tokens", out _));
        Assert.True(schemas.GetProperty("ChatChoice").GetProperty("properties").TryGetProperty("finish_reason", out _));
    }

    [Theory]
    [InlineData("/v1/completions", "post", "200 400 401 404 413 415 429 503 504", "application/json text/event-stream")]
    [InlineData("/v1/chat/completions", "post", "200 400 401 404 413 415 429 503 504", "application/json text/event-stream")]
    [InlineData("/tokenize", "post", "200 400 401 404 413 415 429", "application/json")]
    [InlineData("/v1/models/{name}", "get", "200 401 404", "application/json")]
    [InlineData("/health", "get", "200 503", "application/json")]
    [InlineData("/metrics", "get", "200", "text/plain")]
    [InlineData("/pipeline/live", "get", "200", "text/event-stream")]
    public async Task Document_TellsWhatComesBack(string path, string method, string statuses, string types)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var operation = (await DocumentAsync(server)).GetProperty("paths").GetProperty(path).GetProperty(method);

        var responses = operation.GetProperty("responses");
        Assert.Equal(statuses.Split(' '), responses.EnumerateObject().Select(response => response.Name).Order(StringComparer.Ordinal));
        Assert.Equal(types.Split(' '), responses.GetProperty("200").GetProperty("content").EnumerateObject().Select(type => type.Name));
        Assert.Equal(statuses.Contains("401", StringComparison.Ordinal), operation.TryGetProperty("security", out _));
    }

    [Fact]
    public async Task Document_IsOfThisProduct_AndKnowsItsKeys()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var document = await DocumentAsync(server);

        Assert.Equal(("Pipeline", ProgramVersion.Current), (document.GetProperty("info").GetProperty("title").GetString(), document.GetProperty("info").GetProperty("version").GetString()));
        Assert.Equal("bearer", Assert.Single(document.GetProperty("components").GetProperty("securitySchemes").EnumerateObject()).Value.GetProperty("scheme").GetString());
    }

    [Theory]
    [InlineData("/v1/completions")]
    [InlineData("/v1/chat/completions")]
    [InlineData("/tokenize")]
    [InlineData("/detokenize")]
    public async Task Document_OfEveryList_TellsWhatIsInIt(string path)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var schema = (await DocumentAsync(server)).GetProperty("paths").GetProperty(path).GetProperty("post").GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema");

        Assert.All(
            schema.GetProperty("properties").EnumerateObject(),
            field => Assert.Equal(field.Value.GetProperty("type").ToString().Contains("array", StringComparison.Ordinal), field.Value.TryGetProperty("items", out _)));
    }

    /// <summary>A field that is described and not read would pass with any value.</summary>
    [Theory]
    [InlineData("/v1/completions", """{"prompt":"x","stream":true}""")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"x"}],"stream":true,"logprobs":true}""")]
    [InlineData("/tokenize", """{"prompt":"x"}""")]
    [InlineData("/detokenize", """{"tokens":[5]}""")]
    public async Task EveryFieldDescribed_IsRead(string path, string body)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");
        var schema = (await DocumentAsync(server)).GetProperty("paths").GetProperty(path).GetProperty("post").GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema");
        var fields = schema.GetProperty("properties").EnumerateObject().ToList();
        Assert.NotEmpty(fields);
        foreach (var field in fields)
        {
            var wrong = JsonNode.Parse(body)!.AsObject();
            // No field takes these, whatever it is.
            wrong[field.Name] = field.Value.GetProperty("type").ToString().Contains("object", StringComparison.Ordinal) ? JsonNode.Parse("[[]]") : JsonNode.Parse("""{"no":"such thing"}""");

            var (status, error) = await server.RefusedAsync(path, wrong.ToJsonString());

            Assert.Equal((400, field.Name), (status, error.GetProperty("param").GetString()));
        }
    }

    private static async Task<JsonElement> DocumentAsync(ServerUnderTest server) =>
        JsonDocument.Parse(await server.Http.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken)).RootElement;
}
