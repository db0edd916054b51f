using System.ClientModel;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using OpenAI;
using OpenAI.Chat;
using Pipeline.EndToEnd.Tests.Processes;
using Pipeline.TestKit;

namespace Pipeline.EndToEnd.Tests.Serving;

/// <summary>The program as a server on a port of the system's choice, with workers of its own.</summary>
internal sealed partial class CoordinatorServer : IAsyncDisposable
{
    public const string Model = "tiny";

    private static readonly string[] TinyModel = ["--model", Fixtures.TinyMixtral];

    private CoordinatorServer(CoordinatorProcess process, Uri address)
    {
        Process = process;
        Http = new HttpClient { BaseAddress = address, Timeout = Eventually.Limit };
    }

    public CoordinatorProcess Process { get; }

    public HttpClient Http { get; }

    public Uri Address => Http.BaseAddress!;

    /// <summary>Listening; perhaps not loaded yet.</summary>
    public static Task<CoordinatorServer> ListenAsync(params string[] arguments) => ListenUnderAsync([], arguments);

    public static Task<CoordinatorServer> StartAsync(params string[] arguments) => StartUnderAsync([], arguments);

    /// <param name="wrapper">A program and its arguments that end by becoming the command behind them.</param>
    public static async Task<CoordinatorServer> StartUnderAsync(string[] wrapper, params string[] arguments)
    {
        var server = await ListenUnderAsync(wrapper, arguments);
        try
        {
            await server.Process.WaitForErrorAsync("\nready\n");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The official client, told only where the server is.</summary>
    public OpenAIClient Client(string key) => new(new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(Address, "/v1") });

    public ChatClient Chat(string key) => Client(key).GetChatClient(Model);

    /// <summary>Posts a request that is expected to succeed.</summary>
    public async Task<JsonDocument> PostAsync(string path, object body)
    {
        using var answer = await Http.PostAsJsonAsync(path, body, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}: {text}");
        return JsonDocument.Parse(text);
    }

    /// <summary>Until nothing runs or waits, by the server's own word.</summary>
    public Task WaitUntilIdleAsync() => Eventually.HoldsAsync(
        () => Metrics("vllm:num_requests_running") + Metrics("vllm:num_requests_waiting") == 0 && Metrics("vllm:kv_cache_usage_perc") == 0, "the pipeline is idle");

    /// <summary>A figure of /metrics, summed over its labels; those with a word in their labels if one is given.</summary>
    public double Metrics(string name, string label = "")
    {
        var text = Http.GetStringAsync("/metrics", TestContext.Current.CancellationToken).GetAwaiter().GetResult();
        return text.Split('\n').Where(line => (line.StartsWith($"{name}{{", StringComparison.Ordinal) || line.StartsWith($"{name} ", StringComparison.Ordinal)) && line.Contains(label, StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Process.DisposeAsync();
    }

    private static async Task<CoordinatorServer> ListenUnderAsync(string[] wrapper, string[] arguments)
    {
        var process = CoordinatorProcess.StartUnder(wrapper, "", ["serve", .. arguments.Contains("--model") ? [] : TinyModel, "--served-model-name", Model, "--port", "0", "--threads", "1", .. arguments]);
        try
        {
            await process.WaitForErrorAsync("listening on ");
            return new CoordinatorServer(process, new Uri(AddressLine().Match(process.Error).Groups[1].Value));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    [GeneratedRegex(@"listening on (http://\S+);")]
    private static partial Regex AddressLine();
}
