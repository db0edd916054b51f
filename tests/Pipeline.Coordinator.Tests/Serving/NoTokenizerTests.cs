namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>A model that was found without its tokenizer takes and gives token ids; whatever needs text is told so.</summary>
public class NoTokenizerTests
{
    private const string NoTokens = "/tokenize and /detokenize are not for this model";

    [Theory]
    [InlineData("/v1/completions", """{"prompt":"x"}""", "prompt", "a list of token ids is wanted")]
    [InlineData("/v1/completions", """{"prompt":[5],"stop":"x"}""", "stop", "leave it out or send stop_token_ids")]
    [InlineData("/v1/completions", """{"prompt":[5],"echo":true}""", "echo", "leave it out")]
    [InlineData("/v1/chat/completions", """{"messages":[{"role":"user","content":"x"}]}""", "messages", "send the conversation as token ids to /v1/completions")]
    [InlineData("/tokenize", """{"prompt":"x"}""", "prompt", NoTokens)]
    [InlineData("/tokenize", """{"messages":[{"role":"user","content":"x"}]}""", "messages", NoTokens)]
    [InlineData("/detokenize", """{"tokens":[5]}""", "tokens", NoTokens)]
    public async Task WhatNeedsOne_IsRefusedWithWhatCanBeDone(string path, string body, string param, string otherwise)
    {
        await using var server = await StartAsync();

        var (status, error) = await server.RefusedAsync(path, body);

        Assert.Equal((400, param), (status, error.GetProperty("param").GetString()));
        Assert.Equal($"{param} needs a tokenizer, and {ServerUnderTest.Served.Config.Name} has none here; {otherwise}", error.GetProperty("message").GetString());
        Assert.Empty(server.Stage.Starts);
    }

    [Fact]
    public async Task TokenIds_AreContinued()
    {
        await using var server = await StartAsync();

        var answer = await server.AskAsync("/v1/completions", new { prompt = new[] { 5 }, max_tokens = 1, stop = Array.Empty<string>() });

        Assert.Equal(1, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    private static Task<ServerUnderTest> StartAsync() => ServerUnderTest.StartAsync(ServerUnderTest.Options, ServerUnderTest.Served with { Tokenizer = null, ChatTemplate = null }, [7, 2]);
}
