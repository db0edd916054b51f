using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Pipeline.EndToEnd.Tests.Serving.Load;

/// <summary>A request to <c>/v1/completions</c>, and reading what comes of it in either form.</summary>
internal sealed record CompletionCall(IReadOnlyDictionary<string, object> Body)
{
    private const string Path = "/v1/completions";
    private const string DataLine = "data: ";

    public static CompletionCall Of(params (string Name, object Value)[] fields) => new(fields.ToDictionary(field => field.Name, field => field.Value));

    /// <summary>The caller disposes the answer; its body may still be on the way.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpClient http, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = JsonContent.Create(Body) };
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>The whole of an answer that is expected to be good.</summary>
    public async Task<CompletionResult> AnswerAsync(HttpClient http, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(http, cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}: {text}");
        return Read(text);
    }

    public static CompletionResult Read(string body)
    {
        // A stream may begin with comments, which tell a client that waits long that the server is alive.
        var isStream = !body.StartsWith('{');
        var documents = isStream ? body.Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal)).Select(line => line[DataLine.Length..]) : [body];
        Assert.True(!isStream || body.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal), $"a stream that ends with '{body[^Math.Min(200, body.Length)..]}'");
        var (text, tokens, reason) = (new StringBuilder(), new List<string>(), "");
        foreach (var document in documents)
        {
            using var json = JsonDocument.Parse(document);
            Assert.False(json.RootElement.TryGetProperty("error", out var error), error.ToString());
            var choice = json.RootElement.GetProperty("choices")[0];
            text.Append(choice.GetProperty("text").GetString());
            reason = choice.GetProperty("finish_reason").GetString() ?? reason;
            if (choice.GetProperty("logprobs") is { ValueKind: JsonValueKind.Object } logprobs)
            {
                // As they were written, so that two are equal only if all their bits are.
                tokens.AddRange(logprobs.GetProperty("tokens").EnumerateArray().Zip(logprobs.GetProperty("token_logprobs").EnumerateArray(), (token, logprob) => $"{token.GetRawText()} {logprob.GetRawText()}"));
            }
        }

        return new CompletionResult(text.ToString(), string.Join('\n', tokens), reason);
    }
}
