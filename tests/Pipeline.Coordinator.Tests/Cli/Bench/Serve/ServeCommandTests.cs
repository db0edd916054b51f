using System.Collections.Concurrent;
using System.Text.Json;
using System.Xml.Linq;
using Pipeline.Coordinator.Cli;

namespace Pipeline.Coordinator.Tests.Cli.Bench.Serve;

public class ServeCommandTests
{
    private const string Models = """{"object":"list","data":[{"id":"tiny","object":"model"},{"id":"other","object":"model"}]}""";
    private const string Text = "data: {\"choices\":[{\"text\":\"a\"}]}\n\n";
    private const string Usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":6,\"completion_tokens\":3}}\n\n";
    private const string Done = "data: [DONE]\n\n";
    private static readonly string Whole = LoopbackServer.Events(Text + ": ping\n\n" + Text + Usage + Done);

    [Fact]
    public async Task Serve_GoodServer_PrintsTheBlockThatPeopleKnow()
    {
        var run = await Run((_, _) => Whole, "--num-prompts", "5", "--random-input-len", "6", "--max-concurrency", "2", "--goodput", "e2el:1000000");
        Assert.Equal(ExitCode.Success, run.ExitCode);
        var lines = run.Output.Split('\n');
        Assert.Equal("============ Serving Benchmark Result ============", lines[0]);
        Assert.Equal(
            ["Successful requests:                     5", "Failed requests:                         0", "Maximum request concurrency:             2"], lines[1..4]);
        Assert.Contains("Total input tokens:                      30", lines);
        Assert.Contains("Total generated tokens:                  15", lines);
        Assert.Equal(
            ["Benchmark duration (s)", "Total input tokens", "Total generated tokens", "Request throughput (req/s)", "Request goodput (req/s)", "Output token throughput (tok/s)",
                "Peak output token throughput (tok/s)", "Peak concurrent requests", "Total token throughput (tok/s)",
                "---------------Time to First Token----------------", "Mean TTFT (ms)", "Median TTFT (ms)", "P99 TTFT (ms)",
                "-----Time per Output Token (excl. 1st token)------", "Mean TPOT (ms)", "Median TPOT (ms)", "P99 TPOT (ms)",
                "---------------Inter-token Latency----------------", "Mean ITL (ms)", "Median ITL (ms)", "P99 ITL (ms)",
                "----------------End-to-end Latency----------------", "Mean E2EL (ms)", "Median E2EL (ms)", "P99 E2EL (ms)",
                "=================================================="],
            lines[4..30].Select(line => line.Split(':')[0]));
        Assert.Contains("prompts: random token ids below 32000", lines);
    }

    [Fact]
    public async Task Serve_ChosenMetricsAsMarkdown_ShowsThoseOnly()
    {
        var run = await Run((_, _) => Whole, "--num-prompts", "2", "--percentile-metrics", "itl,ttft", "--metric-percentiles", "50,99.9", "-o", "md");
        Assert.Contains("| P99.9 TTFT (ms)", run.Output, StringComparison.Ordinal);
        Assert.Contains("| P50 ITL (ms)", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("TPOT", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("E2EL", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_EveryWayToFail_IsCountedByItself()
    {
        string[] answers =
        [
            Whole,
            LoopbackServer.Events(Text),
            LoopbackServer.Events(Text, missing: 10),
            LoopbackServer.Events("data: {\"error\":{\"message\":\"out of blocks\"}}\n\n" + Done),
            LoopbackServer.Events("data: <html>\n\n"),
            LoopbackServer.Json("""{"error":{"message":"too long"}}""", "400 Bad Request"),
            LoopbackServer.Json("""{"error":{"message":"full"}}""", "429 Too Many Requests", "Retry-After: 7\r\n"),
            "",
        ];
        var asked = -1;
        var run = await Run(
            (_, body) => IsProbe(body) ? Whole : answers[Interlocked.Increment(ref asked)],
            "--num-prompts", "8", "--max-concurrency", "1", "--json", "--num-warmups", "0");
        Assert.Equal(ExitCode.Failure, run.ExitCode);
        var result = run.Json.GetProperty("result");
        Assert.Equal((1, 6, 1), (result.GetProperty("successful").GetInt32(), result.GetProperty("failed").GetInt32(), result.GetProperty("throttled").GetInt32()));
        Assert.Equal(
            ["unreachable", "http_status", "throttled", "broken_stream", "missing_done", "malformed_event", "server_error"],
            result.GetProperty("failures").EnumerateArray().Select(failure => failure.GetProperty("kind").GetString()));
        Assert.Equal(7, result.GetProperty("failures")[2].GetProperty("retry_after_seconds").GetDouble());
    }

    [Fact]
    public async Task Serve_OnlyThrottledBesideSuccess_IsNoFailure()
    {
        var asked = 0;
        var run = await Run(
            (_, body) => IsProbe(body) || Interlocked.Increment(ref asked) > 1 ? Whole : LoopbackServer.Json("{}", "429 Too Many Requests", "Retry-After: 7\r\n"), "--num-prompts", "3");
        Assert.Equal(ExitCode.Success, run.ExitCode);
        Assert.Contains("Throttled requests (429):                1", run.Output, StringComparison.Ordinal);
        Assert.Contains("1 request(s) throttled with HTTP 429, Retry-After up to 7 s: {}", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_WarmUps_AreNotCountedButTheirFailuresAreTold()
    {
        var asked = 0;
        var run = await Run(
            (_, body) => IsProbe(body) || Interlocked.Increment(ref asked) > 2 ? Whole : LoopbackServer.Json("""{"error":{"message":"cold"}}""", "500 Internal Server Error"),
            "--num-prompts", "4", "--num-warmups", "3", "--max-concurrency", "1");
        Assert.Equal(ExitCode.Success, run.ExitCode);
        Assert.Contains("Successful requests:                     4\n", run.Output, StringComparison.Ordinal);
        Assert.Contains("note: 2 of 3 warm-up(s) failed: cold", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(32000, "random token ids below 32000")]
    [InlineData(2048, "random token ids below 2048")]
    [InlineData(600, "random token ids below 512")]
    [InlineData(0, "random words, about one token each")]
    public async Task Serve_PromptForm_IsWhatTheServerTakes(int vocabulary, string expected)
    {
        var run = await Run((_, body) => Ids(body).All(id => id < vocabulary) ? Whole : LoopbackServer.Json("""{"error":{"message":"unknown id"}}""", "400 Bad Request"), "--num-prompts", "3");
        Assert.Equal(ExitCode.Success, run.ExitCode);
        Assert.Contains($"prompts: {expected}", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_ModelSaysItsVocabulary_UsesIt()
    {
        await using var server = new LoopbackServer((head, _) => head.StartsWith("GET", StringComparison.Ordinal)
            ? LoopbackServer.Json("""{"data":[{"id":"tiny","meta":{"n_vocab":77}}]}""") : Whole);
        var run = await CommandLineRun.Of("bench", "serve", "--base-url", server.Address, "--num-prompts", "1");
        Assert.Contains("prompts: random token ids below 77", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_Request_HasModelKeyAndLengths()
    {
        var heads = new ConcurrentBag<string>();
        var bodies = new ConcurrentBag<string>();
        var run = await Run(
            (head, body) =>
            {
                heads.Add(head);
                bodies.Add(body);
                return Whole;
            },
            "--num-prompts", "4", "--api-key", "secret", "--endpoint", "/v1/chat/completions", "--random-output-len", "9", "--temperature", "0.5", "--ignore-eos", "--num-warmups", "2", "--model", "other");
        Assert.Equal(ExitCode.Success, run.ExitCode);
        Assert.Equal(7, bodies.Count);
        Assert.All(heads, head => Assert.Contains("Authorization: Bearer secret", head, StringComparison.Ordinal));
        Assert.All(heads, head => Assert.StartsWith("POST /v1/chat/completions ", head, StringComparison.Ordinal));
        var requests = bodies.Where(body => !IsProbe(body)).ToList();
        Assert.Equal(6, requests.Count);
        Assert.All(requests, body =>
        {
            var json = JsonDocument.Parse(body).RootElement;
            Assert.Equal(("other", 9, 0.5, true), (json.GetProperty("model").GetString(), json.GetProperty("max_tokens").GetInt32(), json.GetProperty("temperature").GetDouble(), json.GetProperty("ignore_eos").GetBoolean()));
        });
        Assert.DoesNotContain("secret", run.Output + run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_Interrupted_ReportsWhatWasMeasured()
    {
        using var interruption = new CancellationTokenSource();
        var asked = 0;
        await using var server = Server((_, body) =>
        {
            if (!IsProbe(body) && Interlocked.Increment(ref asked) == 4)
            {
                interruption.Cancel();
            }

            return Whole;
        });
        var run = await CommandLineRun.Of(_ => { }, interruption.Token, "bench", "serve", "--base-url", server.Address, "--num-prompts", "50", "--max-concurrency", "1");
        Assert.Equal(ExitCode.Interrupted, run.ExitCode);
        Assert.Contains("Successful requests:                     3\n", run.Output, StringComparison.Ordinal);
        Assert.Contains("Failed requests:                         0\n", run.Output, StringComparison.Ordinal);
        Assert.Contains("interrupted: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("Unfinished requests:                     47\n", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_Files_HaveTheResultAndThePicture()
    {
        var folder = Directory.CreateTempSubdirectory("bench-serve-");
        try
        {
            var (json, svg, prompts) = (Path.Combine(folder.FullName, "load.json"), Path.Combine(folder.FullName, "load.svg"), Path.Combine(folder.FullName, "prompts.txt"));
            await File.WriteAllTextAsync(prompts, "one\ntwo\n", TestContext.Current.CancellationToken);
            var run = await Run((_, _) => Whole, "--num-prompts", "4", "--save-result", json, "--plot", svg, "--dataset-path", prompts, "-o", "json");
            Assert.Equal(ExitCode.Success, run.ExitCode);
            Assert.Equal(run.Output, await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
            Assert.Equal("text", run.Json.GetProperty("prompt_form").GetString());
            Assert.Equal(4, run.Json.GetProperty("result").GetProperty("latencies").GetProperty("ttft").GetProperty("count").GetInt32());
            var picture = XDocument.Load(svg).Root!;
            Assert.Equal(6, picture.Descendants().Count(element => element.Name.LocalName == "polyline"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("--request-rate 0", "--request-rate wants a number above 0 or the word inf, got '0'")]
    [InlineData("--request-rate fast", "--request-rate wants a number above 0 or the word inf, got 'fast'")]
    [InlineData("--burstiness 0", "--burstiness wants a number above 0, got '0'")]
    [InlineData("--random-range-ratio 1", "--random-range-ratio wants a number from 0 to less than 1, got '1'")]
    [InlineData("--random-input-len 0", "--random-input-len wants a whole number from 1 to 100000000, got '0'")]
    [InlineData("--num-prompts none", "--num-prompts wants a whole number from 1 to 10000000, got 'none'")]
    [InlineData("--max-concurrency 0", "--max-concurrency wants a whole number from 1 to 10000000, got '0'")]
    [InlineData("--base-url 127.0.0.1:8000", "--base-url wants an address such as http://127.0.0.1:8000, got '127.0.0.1:8000'")]
    [InlineData("--endpoint /v1/embeddings", "--endpoint wants a path such as /v1/completions or /v1/chat/completions, got '/v1/embeddings'")]
    [InlineData("--goodput ttft", "--goodput wants limits in milliseconds such as ttft:200 tpot:50 e2el:5000, each once, got 'ttft'")]
    [InlineData("--goodput ttft:1 ttft:2", "--goodput wants limits in milliseconds such as ttft:200 tpot:50 e2el:5000, each once, got 'ttft:2'")]
    [InlineData("--goodput itl:5", "--goodput wants limits")]
    [InlineData("--goodput ttft:-5", "--goodput wants limits")]
    [InlineData("--percentile-metrics ttft,speed", "--percentile-metrics wants some of ttft, tpot, itl, e2el with commas between them, got 'ttft,speed'")]
    [InlineData("--metric-percentiles 50,101", "--metric-percentiles wants numbers from 0 to 100 with commas between them, got '50,101'")]
    [InlineData("--top-p 2", "--top-p wants a number from 0 to 1, got '2'")]
    [InlineData("-o csv", "-o wants one of text, md, json, got 'csv'")]
    [InlineData("--dataset-name custom", "--dataset-path is missing")]
    [InlineData("--dataset-path no-such-file.txt", "cannot read prompts from no-such-file.txt")]
    [InlineData("--dataset-name random --dataset-path x", "contradict each other")]
    [InlineData("--json -o md", "--json and --output contradict each other; leave one out")]
    [InlineData("--prompt-form ids --endpoint /v1/chat/completions", "a chat takes no token ids")]
    [InlineData("--plot no-such-folder/load.svg", "cannot write the chart")]
    [InlineData("--save-result no-such-folder/load.json", "cannot write the result")]
    [InlineData("--requst-rate 4", "unknown option '--requst-rate'; did you mean '--request-rate'?")]
    public async Task Serve_BadFlags_AreRefusedBeforeAnythingIsAsked(string arguments, string expected)
    {
        var run = await CommandLineRun.Of(["bench", "serve", .. arguments.Split(' ')]);
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task Serve_NobodyListens_IsBadInput()
    {
        var server = new LoopbackServer((_, _) => "");
        await server.DisposeAsync();
        var run = await CommandLineRun.Of("bench", "serve", "--base-url", server.Address);
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains($"no answer from {server.Address}/v1/models", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("401 Unauthorized", "/v1/completions does not answer but with HTTP 401: no such key")]
    [InlineData("404 Not Found", "/v1/completions does not answer but with HTTP 404: no such key")]
    public async Task Serve_ServerThatRefusesAll_IsBadInput(string status, string expected)
    {
        var run = await Run((_, _) => LoopbackServer.Json("""{"error":{"message":"no such key"}}""", status));
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    private static LoopbackServer Server(Func<string, string, string> complete) =>
        new((head, body) => head.StartsWith("GET /v1/models ", StringComparison.Ordinal) ? LoopbackServer.Json(Models) : complete(head, body));

    private static async Task<CommandLineRun> Run(Func<string, string, string> complete, params string[] arguments)
    {
        await using var server = Server(complete);
        return await CommandLineRun.Of(["bench", "serve", "--base-url", server.Address, .. arguments]);
    }

    private static bool IsProbe(string body) => JsonDocument.Parse(body).RootElement.GetProperty("max_tokens").GetInt32() == 1;

    private static int[] Ids(string body) => JsonDocument.Parse(body).RootElement.GetProperty("prompt") is { ValueKind: JsonValueKind.Array } ids
        ? [.. ids.EnumerateArray().Select(id => id.GetInt32())] : [];
}
