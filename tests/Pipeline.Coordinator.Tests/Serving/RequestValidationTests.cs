using Pipeline.Coordinator.Tests.Tokenization;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>Every field with a wrong value, and what the client is told: the field, its value, and what would be right.</summary>
public class RequestValidationTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Completions = "/v1/completions";
    private const string Hello = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]";

    public static TheoryData<string, string?, string> WrongCompletions => new()
    {
        { "", null, "the body is empty; a JSON object is wanted" },
        { "{\"prompt\":\"x\"", null, "the body cannot be read as JSON from line 1, byte 14 on; a JSON object is wanted" },
        { "{\"prompt\":\n oops}", null, "the body cannot be read as JSON from line 2, byte 2 on; a JSON object is wanted" },
        { "[1]", null, "the body is [1]; a JSON object is wanted" },
        { "{}", "prompt", "prompt is missing; a string, a list of strings" },
        { """{"prompt":5}""", "prompt", "prompt is 5; a string, a list of strings" },
        { """{"prompt":[]}""", "prompt", "prompt is []; a string, a list of strings" },
        { """{"prompt":["a",5]}""", "prompt[1]", "prompt[1] is 5; a string or a list of token ids is wanted" },
        { """{"prompt":[1,2048]}""", "prompt[1]", "prompt[1] is 2048; a token id from 0 to 2047 is wanted" },
        { """{"prompt":[[1],[2,-1]]}""", "prompt[1][1]", "prompt[1][1] is -1; a token id from 0 to 2047 is wanted" },
        { """{"prompt":[[1],[]]}""", "prompt[1]", "prompt[1] is []; at least one token id is wanted" },
        { """{"prompt":"x","max_tokens":-1}""", "max_tokens", "max_tokens is -1; a whole number from 0 to 100000000 is wanted" },
        { """{"prompt":"x","max_tokens":1.5}""", "max_tokens", "max_tokens is 1.5; a whole number from 0 to 100000000 is wanted" },
        { """{"prompt":"x","max_tokens":1000}""", "max_tokens", "with max_tokens 1000 that is 1003, the model length is 256" },
        { """{"prompt":"x","temperature":"hot"}""", "temperature", "temperature is \"hot\"; a number from 0 to 100 is wanted" },
        { """{"prompt":"x","temperature":-0.1}""", "temperature", "temperature is -0.1; a number from 0 to 100 is wanted" },
        { """{"prompt":"x","top_p":1.01}""", "top_p", "top_p is 1.01; a number from 0 to 1 is wanted" },
        { """{"prompt":"x","top_k":-2}""", "top_k", "top_k is -2; a whole number from -1 to 2147483647 is wanted" },
        { """{"prompt":"x","min_p":2}""", "min_p", "min_p is 2; a number from 0 to 1 is wanted" },
        { """{"prompt":"x","presence_penalty":3}""", "presence_penalty", "presence_penalty is 3; a number from -2 to 2 is wanted" },
        { """{"prompt":"x","frequency_penalty":-3}""", "frequency_penalty", "frequency_penalty is -3; a number from -2 to 2 is wanted" },
        { """{"prompt":"x","repetition_penalty":0}""", "repetition_penalty", "repetition_penalty is 0; a number from 0.01 to 100 is wanted" },
        { """{"prompt":"x","n":0}""", "n", "n is 0; a whole number from 1 to 128 is wanted" },
        { """{"prompt":"x","n":9}""", "n", "the request asks for 9 answers in all; this server takes 8 at a time" },
        { """{"prompt":"x","seed":"lucky"}""", "seed", "seed is \"lucky\"; a whole number from -9223372036854775808 to 9223372036854775807 is wanted" },
        { """{"prompt":"x","stop":5}""", "stop", "stop is 5; a string of 1 to 1024 characters or a list of at most 16 such strings is wanted" },
        { """{"prompt":"x","stop":["a",""]}""", "stop", "stop is [\"a\",\"\"]; a string of 1 to 1024 characters" },
        { """{"prompt":"x","stop_token_ids":[5000]}""", "stop_token_ids[0]", "stop_token_ids[0] is 5000; a token id from 0 to 2047 is wanted" },
        { """{"prompt":"x","logit_bias":{"5000":1}}""", "logit_bias", "logit_bias has the key \"5000\"; a token id from 0 to 2047 is wanted" },
        { """{"prompt":"x","logit_bias":{"5":101}}""", "logit_bias.5", "logit_bias.5 is 101; a number from -100 to 100 is wanted" },
        { """{"prompt":"x","logit_bias":[5]}""", "logit_bias", "logit_bias is [5]; an object with token ids as keys" },
        { """{"prompt":"x","logprobs":21}""", "logprobs", "logprobs is 21; a whole number from 0 to 20 is wanted" },
        { """{"prompt":"x","min_tokens":9,"max_tokens":5}""", "min_tokens", "min_tokens is 9; at most max_tokens, which is 5, is wanted" },
        { """{"prompt":"x","ignore_eos":1}""", "ignore_eos", "ignore_eos is 1; true or false is wanted" },
        { """{"prompt":"x","priority":"high"}""", "priority", "priority is \"high\"; a whole number from" },
        { """{"prompt":"x","stream":"yes"}""", "stream", "stream is \"yes\"; true or false is wanted" },
        { """{"prompt":"x","stream_options":{"include_usage":true}}""", "stream_options", "stream_options is set, but stream is not" },
        { """{"prompt":"x","stream":true,"stream_options":{"include_usage":5}}""", "stream_options.include_usage", "stream_options.include_usage is 5; true or false is wanted" },
        { """{"prompt":"x","echo":true,"logprobs":1}""", "echo", "echo is not supported by this server together with logprobs" },
        { """{"prompt":"x","suffix":"end"}""", "suffix", "suffix is not supported by this server; leave it out or send \"\"" },
        { """{"prompt":"x","best_of":2}""", "best_of", "best_of is not supported by this server; leave it out or send 1" },
        { """{"prompt":"x","allowed_token_ids":[5]}""", "allowed_token_ids", "allowed_token_ids is not supported by this server; leave it out" },
        { """{"prompt":"x","bad_words":["king"]}""", "bad_words", "bad_words is not supported by this server; leave it out or send []" },
        { """{"prompt":"x","return_tokens_as_token_ids":true}""", "return_tokens_as_token_ids", "return_tokens_as_token_ids is not supported by this server; leave it out or send false" },
        { """{"prompt":"x","stream":true,"stream_options":{"continuous_usage_stats":true}}""", "stream_options.continuous_usage_stats", "stream_options.continuous_usage_stats is not supported" },
        { """{"prompt":"x","max_completion_tokens":5}""", "max_completion_tokens", "max_completion_tokens is a field of chats; send max_tokens" },
        { """{"prompt":"x","add_special_tokens":0}""", "add_special_tokens", "add_special_tokens is 0; true or false is wanted" },
        { """{"prompt":"x","store":true}""", "store", "store is not supported by this server; leave it out or send false" },
        { """{"prompt":"x","service_tier":"flex"}""", "service_tier", "service_tier is not supported by this server; leave it out or send \"auto\"" },
        { """{"prompt":"x","user":5}""", "user", "user is 5; a string is wanted" },
    };

    public static TheoryData<string, string?, string> WrongChats => new()
    {
        { "{}", "messages", "messages is missing; a list of messages is wanted" },
        { """{"messages":"hi"}""", "messages", "messages is \"hi\"; a list of messages is wanted" },
        { """{"messages":[]}""", "messages", "the conversation is empty" },
        { """{"messages":["hi"]}""", "messages[0]", "messages[0] is \"hi\"; an object is wanted" },
        { """{"messages":[{"content":"hi"}]}""", "messages[0].role", "messages[0].role is missing" },
        { """{"messages":[{"role":"king","content":"hi"}]}""", "messages[0].role", "messages[0].role is \"king\"; one of system, developer, user, assistant is wanted" },
        { """{"messages":[{"role":"user"}]}""", "messages[0].content", "messages[0].content is missing" },
        { """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}""", "messages[0].content[0].type", "messages[0].content[0].type is \"image_url\"; \"text\"" },
        { """{"messages":[{"role":"assistant","content":"hi"}]}""", "messages", "the last message is from the assistant" },
        { """{"messages":[{"role":"tool","content":"5"}]}""", "messages", "tools are not supported" },
        { """{"messages":[{"role":"assistant","content":"","tool_calls":[{"type":"function"}]}]}""", "messages[0].tool_calls", "messages[0].tool_calls is not supported by this server; conversations are text only" },
        { """{"messages":[{"role":"assistant","content":"","function_call":{"name":"f","arguments":"{}"}}]}""", "messages[0].function_call", "messages[0].function_call is not supported by this server" },
        { $$"""{ {{Hello}},"max_tokens":0}""", "max_tokens", "max_tokens is 0; a whole number from 1 to 100000000 is wanted" },
        { $$"""{ {{Hello}},"max_completion_tokens":"all"}""", "max_completion_tokens", "max_completion_tokens is \"all\"" },
        { $$"""{ {{Hello}},"tools":[{"type":"function"}]}""", "tools", "tools is not supported by this server; leave it out or send []" },
        { $$"""{ {{Hello}},"response_format":{"type":"json_schema"} }""", "response_format", "response_format is not supported by this server unless its type is \"text\"" },
        { $$"""{ {{Hello}},"top_logprobs":3}""", "top_logprobs", "top_logprobs is 3, but logprobs is not true" },
        { $$"""{ {{Hello}},"add_special_tokens":true}""", "add_special_tokens", "add_special_tokens is not supported by this server in a chat; leave it out" },
        { $$"""{ {{Hello}},"modalities":["text", "audio"]}""", "modalities", "modalities is not supported" },
    };

    [Theory]
    [MemberData(nameof(WrongCompletions))]
    public Task Completion_WrongValue_Is400ThatNamesIt(string body, string? param, string message) => AssertRefusedAsync(Completions, body, param, message);

    [Theory]
    [MemberData(nameof(WrongChats))]
    public Task Chat_WrongValue_Is400ThatNamesIt(string body, string? param, string message) => AssertRefusedAsync(Chat, body, param, message);

    [Theory]
    [InlineData(Completions, """{"prompt":"x","model":"king"}""")]
    [InlineData(Chat, $$"""{ {{Hello}},"model":"king"}""")]
    [InlineData("/tokenize", """{"prompt":"x","model":"king"}""")]
    [InlineData("/detokenize", """{"tokens":[5],"model":"king"}""")]
    public async Task AnotherModel_Is404ThatTellsWhatIsServed(string path, string body)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var (status, error) = await server.RefusedAsync(path, body);

        Assert.Equal((404, "model", "model_not_found"), (status, error.GetProperty("param").GetString(), error.GetProperty("code").GetString()));
        Assert.Equal("model is 'king', which is not served here; 'scripted', 'alias' is", error.GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("gzip", 415)]
    [InlineData("identity", 200)]
    public async Task EncodedBody_Is415ThatNamesTheEncoding(string encoding, int expected)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");
        using var content = new StringContent("""{"prompt":"x"}""");
        content.Headers.ContentEncoding.Add(encoding);

        using var answer = await server.Http.PostAsync("/tokenize", content, TestContext.Current.CancellationToken);

        Assert.Equal(expected, (int)answer.StatusCode);
        Assert.Equal(
            expected == 415,
            (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Contains($"Content-Encoding is {encoding}; this server supports none", StringComparison.Ordinal));
    }

    [Fact]
    public async Task UnknownFields_AndThoseThatAskForNothing_Pass()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var answer = await server.AskAsync(Chat, new
        {
            messages = new[] { new { role = "user", content = new[] { new { type = "text", text = "hi" } } } },
            frobnicate = 5,
            metadata = new { },
            store = false,
            service_tier = "default",
            tools = Array.Empty<int>(),
            tool_choice = "none",
            response_format = new { type = "text" },
            temperature = (double?)null,
            max_tokens = 20.0,
            logit_bias = new { },
            user = "me",
        });

        Assert.Equal("Hello", answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
    }

    [Fact]
    public async Task EverySamplingField_ReachesTheStages()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        await server.AskAsync(Completions, new
        {
            prompt = "x",
            temperature = 0.5,
            top_p = 0.25,
            top_k = 7,
            min_p = 0.125,
            presence_penalty = 1.5,
            frequency_penalty = -0.5,
            repetition_penalty = 1.25,
            logit_bias = new Dictionary<string, int> { ["9"] = -3 },
            seed = -5,
            stop_token_ids = new[] { 11, 12 },
            min_tokens = 1,
            logprobs = 4,
            max_tokens = 2,
        });

        var sampling = Assert.Single(server.Stage.Starts).Sampling;
        Assert.Equal((0.5f, 0.25f, 7, 0.125f), (sampling.Temperature, sampling.TopP, sampling.TopK, sampling.MinP));
        Assert.Equal((1.5f, -0.5f, 1.25f), (sampling.PresencePenalty, sampling.FrequencyPenalty, sampling.RepetitionPenalty));
        Assert.Equal((9, -3f), (Assert.Single(sampling.LogitBias).Key, Assert.Single(sampling.LogitBias).Value));
        Assert.Equal((unchecked((ulong)-5), 1, 4), (sampling.Seed, sampling.MinTokens, sampling.Logprobs));
        // The end of text stops beside those that were asked for.
        Assert.Equal([2, 11, 12], sampling.StopTokenIds);
    }

    [Fact]
    public async Task IgnoreEos_LeavesOnlyTheStopTokensAskedFor()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        await server.AskAsync(Completions, new { prompt = "x", ignore_eos = true, stop_token_ids = new[] { 11 }, max_tokens = 2 });

        Assert.Equal([11], Assert.Single(server.Stage.Starts).Sampling.StopTokenIds);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public async Task AddSpecialTokens_SaysWhetherATextBeginsWithBos(bool add, int extra)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var answer = await server.AskAsync(Completions, new { prompt = "x y", add_special_tokens = add, max_tokens = 1 });

        Assert.Equal(Tokenizers.Tiny.Encode("x y").Length + extra, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    private static async Task AssertRefusedAsync(string path, string body, string? param, string message)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var (status, error) = await server.RefusedAsync(path, body);

        Assert.Equal(400, status);
        Assert.Equal(("invalid_request_error", param), (error.GetProperty("type").GetString(), error.GetProperty("param").GetString()));
        Assert.Contains(message, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Empty(server.Stage.Starts);
        Assert.Equal(0, server.Server.Gate.Active);
    }
}
