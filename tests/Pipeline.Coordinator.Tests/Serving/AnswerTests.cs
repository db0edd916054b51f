using System.Text.Json;
using System.Text.RegularExpressions;
using Pipeline.Coordinator.Tests.Tokenization;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>Whole answers and the small endpoints.</summary>
public partial class AnswerTests
{
    [Fact]
    public async Task Completion_SeveralPromptsAndChoices_AreInOrder()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var answer = await server.AskAsync("/v1/completions", new { prompt = new[] { "one", "two" }, n = 2, max_tokens = 20, echo = true });

        var choices = answer.GetProperty("choices").EnumerateArray().ToList();
        Assert.Equal([0, 1, 2, 3], choices.Select(choice => choice.GetProperty("index").GetInt32()));
        Assert.Equal(["one", "one", "two", "two"], choices.Select(choice => choice.GetProperty("text").GetString()!.Split(' ')[0]));
        var prompts = Tokenizers.Tiny.Encode("one").Length + Tokenizers.Tiny.Encode("two").Length + 2;
        Assert.Equal(prompts, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(4 * Tokenizers.Tiny.Encode("Hello").Length, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    /// <summary>A model may know tokens that its tokenizer's file does not: they are drawn and sent like all others, and are no text.</summary>
    [Fact]
    public async Task Tokens_BeyondTheTokenizer_AreNoText()
    {
        var beyond = Tokenizers.Tiny.VocabularySize + 1;
        var served = ServerUnderTest.Served with { Config = ServerUnderTest.Served.Config with { VocabularySize = beyond + 400 } };
        await using var server = await ServerUnderTest.StartAsync(ServerUnderTest.Options, served, [beyond, .. Tokenizers.Tiny.Encode("Hello"), beyond, Tokenizers.Tiny.EosId]);

        var answer = await server.AskAsync("/v1/completions", new { prompt = new[] { 1, beyond }, max_tokens = 20, logprobs = 2 });

        var choice = answer.GetProperty("choices")[0];
        Assert.Equal("Hello", choice.GetProperty("text").GetString()!.Trim());
        Assert.Equal("", choice.GetProperty("logprobs").GetProperty("tokens")[0].GetString());
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task MinTokens_HoldsBackStopStringsToo()
    {
        await using var server = await ServerUnderTest.SayingAsync("a b a b a b");
        var tokens = Tokenizers.Tiny.Encode("a b a b a b");
        var reached = Tokenizers.Tiny.Decode(tokens[..4]).Length;

        var answer = await server.AskAsync("/v1/completions", new { prompt = "x", max_tokens = 40, min_tokens = 4, stop = "b" });

        var text = answer.GetProperty("choices")[0].GetProperty("text").GetString()!.TrimStart();
        Assert.Equal("a b a b a b"[.."a b a b a b".IndexOf('b', reached)], text);
    }

    [Fact]
    public async Task Usage_WithoutPrefixCache_TellsThatNothingWasCached()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var answer = await server.AskAsync("/v1/completions", new { prompt = "one", max_tokens = 2 });

        Assert.Equal(0, answer.GetProperty("usage").GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32());
    }

    /// <summary>The text of a completion goes on behind the prompt, so its first space belongs to it; a chat's answer is a text of its own.</summary>
    [Theory]
    [InlineData("/v1/completions", " Hello")]
    [InlineData("/v1/chat/completions", "Hello")]
    public async Task FirstSpace_IsKeptWhereItBelongsToTheText(string path, string expected)
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var answer = await server.AskAsync(path, new { prompt = "x", messages = new[] { new { role = "user", content = "x" } }, max_tokens = 20 });

        var choice = answer.GetProperty("choices")[0];
        Assert.Equal(expected, choice.TryGetProperty("text", out var text) ? text.GetString() : choice.GetProperty("message").GetProperty("content").GetString());
    }

    [Fact]
    public async Task Seeds_AreTheRequestsOwn_PlusTheChoice()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        await server.AskAsync("/v1/completions", new { prompt = "x", n = 3, seed = 40, max_tokens = 1 });
        await server.AskAsync("/v1/completions", new { prompt = "x", n = 2, max_tokens = 1 });

        var seeds = server.Stage.Starts.Select(start => start.Sampling.Seed).ToList();
        Assert.Equal([40UL, 41UL, 42UL], seeds[..3]);
        Assert.NotEqual(seeds[3], seeds[4]);
    }

    [Fact]
    public async Task Logprobs_InBothForms_TellTextAndAlternatives()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello there");

        var completion = (await server.AskAsync("/v1/completions", new { prompt = "x", logprobs = 2, max_tokens = 3 })).GetProperty("choices")[0];
        var chat = (await server.AskAsync("/v1/chat/completions", new { messages = new[] { new { role = "user", content = "x" } }, logprobs = true, top_logprobs = 2, max_tokens = 3 })).GetProperty("choices")[0];

        var lists = completion.GetProperty("logprobs");
        var tokens = lists.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!).ToList();
        Assert.Equal(completion.GetProperty("text").GetString(), string.Concat(tokens));
        Assert.Equal([0, tokens[0].Length, tokens[0].Length + tokens[1].Length], lists.GetProperty("text_offset").EnumerateArray().Select(offset => offset.GetInt32()));
        Assert.Equal([-0.5f, -0.5f, -0.5f], lists.GetProperty("token_logprobs").EnumerateArray().Select(value => value.GetSingle()));
        Assert.All(lists.GetProperty("top_logprobs").EnumerateArray(), top => Assert.Equal(2, top.EnumerateObject().Count()));
        var content = chat.GetProperty("logprobs").GetProperty("content").EnumerateArray().ToList();
        Assert.Equal(tokens, content.Select(token => token.GetProperty("token").GetString()));
        Assert.All(content, token => Assert.Equal(
            System.Text.Encoding.UTF8.GetBytes(token.GetProperty("token").GetString()!).Select(value => (int)value), token.GetProperty("bytes").EnumerateArray().Select(value => value.GetInt32())));
    }

    [Fact]
    public async Task TopLogprobs_OfACompletion_HaveTheTokenThatWasDrawn()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello there");

        var lists = (await server.AskAsync("/v1/completions", new { prompt = "x", logprobs = 0, max_tokens = 2 })).GetProperty("choices")[0].GetProperty("logprobs");

        Assert.Equal(
            lists.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()),
            lists.GetProperty("top_logprobs").EnumerateArray().Select(top => Assert.Single(top.EnumerateObject()).Name));
    }

    [Fact]
    public async Task MaxTokensZero_EchoesThePrompt()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var choice = (await server.AskAsync("/v1/completions", new { prompt = "one two", echo = true, max_tokens = 0 })).GetProperty("choices")[0];

        Assert.Equal(("one two", "length"), (choice.GetProperty("text").GetString(), choice.GetProperty("finish_reason").GetString()));
    }

    [Fact]
    public async Task Chat_WithoutMaxTokens_GoesOnToTheEndOfTheContext()
    {
        await using var server = await ServerUnderTest.StartAsync(ServerUnderTest.Options, [400]);

        var answer = await server.AskAsync("/v1/chat/completions", new { messages = new[] { new { role = "user", content = "x" } } });

        Assert.Equal(256, answer.GetProperty("usage").GetProperty("total_tokens").GetInt32());
        Assert.Equal("length", answer.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Tokenize_AndBack()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");

        var tokens = await server.AskAsync("/tokenize", new { prompt = "Hello there", return_token_strs = true });
        var bare = await server.AskAsync("/tokenize", new { prompt = "Hello there", add_special_tokens = false });
        var chat = await server.AskAsync("/tokenize", new { messages = new[] { new { role = "user", content = "x" } } });
        var text = await server.AskAsync("/detokenize", new { tokens = Tokenizers.Tiny.Encode("Hello there") });

        int[] expected = [Tokenizers.Tiny.BosId, .. Tokenizers.Tiny.Encode("Hello there")];
        Assert.Equal(expected, Ids(tokens));
        Assert.Equal((expected.Length, 256), (tokens.GetProperty("count").GetInt32(), tokens.GetProperty("max_model_len").GetInt32()));
        Assert.Equal("<s>", tokens.GetProperty("token_strs")[0].GetString());
        Assert.Equal(expected[1..], Ids(bare));
        Assert.Equal(ServerUnderTest.Served.ChatTemplate!.Encode([new(Pipeline.Coordinator.Tokenization.ChatRole.User, "x")]), Ids(chat));
        Assert.Equal("Hello there", text.GetProperty("prompt").GetString());

        static IEnumerable<int> Ids(JsonElement answer) => answer.GetProperty("tokens").EnumerateArray().Select(id => id.GetInt32());
    }

    [Fact]
    public async Task Models_AreListedUnderAllNames_AndAnswersCarryTheNameUsed()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");
        using var listing = JsonDocument.Parse(await server.Http.GetStringAsync("/v1/models", TestContext.Current.CancellationToken));

        Assert.Equal(["scripted", "alias"], listing.RootElement.GetProperty("data").EnumerateArray().Select(card => card.GetProperty("id").GetString()));
        Assert.Equal("alias", (await server.AskAsync("/v1/completions", new { model = "alias", prompt = "x", max_tokens = 1 })).GetProperty("model").GetString());
        Assert.Equal("scripted", (await server.AskAsync("/v1/completions", new { prompt = "x", max_tokens = 1 })).GetProperty("model").GetString());
    }

    [Fact]
    public async Task Metrics_HaveTheNamesThatDashboardsKnow()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello there, my friend");
        await server.AskAsync("/v1/completions", new { prompt = "x", max_tokens = 20 });
        server.Steps.Add([new(0, 1, default, 7, 1, 0, 0, 1_000_000, 1_000_000), new(1, 1, default, 7, 1, 3_000_000, 4_000_000, 5_000_000, 5_000_000)]);

        var lines = (await server.MetricsAsync()).Split('\n');

        const string Labels = "{model_name=\"scripted\",engine=\"0\"}";
        var generated = Tokenizers.Tiny.Encode("Hello there, my friend").Length;
        Assert.Contains($"vllm:generation_tokens_total{Labels} {generated}", lines);
        Assert.Contains($"vllm:prompt_tokens_total{Labels} 3", lines);
        Assert.Contains($"vllm:inter_token_latency_seconds_count{Labels} {generated - 1}", lines);
        foreach (var name in new[]
        {
            "time_to_first_token_seconds", "request_time_per_output_token_seconds", "e2e_request_latency_seconds", "request_queue_time_seconds", "request_prefill_time_seconds",
            "request_decode_time_seconds", "request_inference_time_seconds", "request_prompt_tokens", "request_generation_tokens", "request_max_num_generation_tokens", "iteration_tokens_total",
        })
        {
            Assert.Contains($"vllm:{name}_count{Labels} 1", lines);
            Assert.Contains($"# TYPE vllm:{name} histogram", lines);
        }

        foreach (var name in new[] { "num_requests_running", "num_requests_waiting", "kv_cache_usage_perc", "num_preemptions_total" })
        {
            Assert.Contains($"vllm:{name}{Labels} 0", lines);
        }

        Assert.Contains("vllm:request_success_total{finished_reason=\"stop\",model_name=\"scripted\",engine=\"0\"} 1", lines);
        Assert.Contains("pipeline_stage_up{stage=\"1\",model_name=\"scripted\",engine=\"0\"} 1", lines);
        Assert.Contains("pipeline_hop_seconds_sum{from=\"0\",to=\"1\",phase=\"wire\",model_name=\"scripted\",engine=\"0\"} 0.001", lines);
        Assert.Contains($"pipeline_epoch{Labels} 1", lines);
        Assert.Contains($"pipeline_bubble_ratio{Labels} 0", lines);
        foreach (var (state, pages) in new[] { ("free", 64), ("used", 0), ("cached", 0) })
        {
            Assert.Contains($"pipeline_kv_pages{{state=\"{state}\",model_name=\"scripted\",engine=\"0\"}} {pages}", lines);
        }

        Assert.DoesNotContain(lines, line => line.Contains("vllm__", StringComparison.Ordinal));
    }

    /// <summary>A panel whose metric nobody exports stays empty, and nobody knows why.</summary>
    [Fact]
    public async Task Dashboard_AsksOnlyForWhatIsExported()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello there");
        await server.AskAsync("/v1/completions", new { prompt = "x", max_tokens = 20 });
        var metrics = await server.MetricsAsync();
        var dashboard = await File.ReadAllTextAsync(Path.Combine(Fixtures.RepositoryRoot, "docs", "grafana-dashboard.json"), TestContext.Current.CancellationToken);

        var names = MetricName().Matches(dashboard).Select(match => match.Groups[1].Value).Distinct().ToList();

        Assert.True(names.Count > 12);
        Assert.All(names, name => Assert.Contains($"# TYPE {name} ", metrics, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"\b((?:vllm:|pipeline_)[a-z0-9_]+?)(?:_bucket|_sum|_count)?(?=[{,])")]
    private static partial Regex MetricName();
}
