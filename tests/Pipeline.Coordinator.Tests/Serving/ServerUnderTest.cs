using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Generation;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Serving;
using Pipeline.Coordinator.Serving.Admission;
using Pipeline.Coordinator.Serving.Health;
using Pipeline.Coordinator.Serving.Hosting;
using Pipeline.Coordinator.Serving.Live;
using Pipeline.Coordinator.Serving.Metrics;
using Pipeline.Coordinator.Serving.Tracing;
using Pipeline.Coordinator.Stages;
using Pipeline.Coordinator.Tests.Stages;
using Pipeline.Coordinator.Tests.Tokenization;
using Pipeline.Coordinator.Tokenization;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>The real server on a loopback port, in front of a scripted pipeline: no process, no tensor.</summary>
internal sealed class ServerUnderTest : IAsyncDisposable
{
    public const string Model = "scripted";
    private const int Context = 256;
    private static readonly KvCacheSpec Cache = new(16, [new KvCacheGroup(null, Context / 16, 64)]);

    private readonly HttpServer _server;
    private readonly PipelineLoop _loop;
    private readonly ServedModel _served;

    private ServerUnderTest(HttpServer server, ServedModel served, ScriptedStage stage, Uri address)
    {
        (_server, _served, Stage) = (server, served, stage);
        Http = new HttpClient { BaseAddress = address };
        _loop = new PipelineLoop(
            new Scheduler(new SchedulerOptions { Epoch = new PlanEpoch(1), MaxSequences = 4, MaxBatchedTokens = 64, Microbatches = 1, MaxModelLength = Context }, Cache), stage);
    }

    public ScriptedStage Stage { get; }

    public HttpClient Http { get; }

    public HttpServer Server => _server;

    /// <summary>What bodies may take.</summary>
    public BodyBudget Budget => _server.Services.GetRequiredService<BodyBudget>();

    public PipelineLoop Loop => _loop;

    /// <summary>Where the stages of the scripted pipeline would tell of their steps.</summary>
    public StepLog Steps { get; } = new();

    /// <summary>What <see cref="Open"/> tells of the stages' clocks.</summary>
    public long[] ClockOffsets { get; } = [0, -1_000_000];

    public static ServerOptions Options { get; } = new() { Port = 0, MaxSequences = 4, MaxQueue = 4 };

    public static ServedModel Served { get; } = new()
    {
        Names = [Model, "alias"],
        Config = ModelConfigFile.Read(Fixtures.TinyMixtral).Config,
        MaxModelLength = Context,
        Tokenizer = Tokenizers.Tiny,
        ChatTemplate = new InstructTemplate(Tokenizers.Tiny, ChatFormat.Roles),
    };

    /// <summary>A pipeline that says a text, and the end of text behind it.</summary>
    public static Task<ServerUnderTest> SayingAsync(string text) => StartAsync(Options, [.. Tokenizers.Tiny.Encode(text), Tokenizers.Tiny.EosId]);

    public static Task<ServerUnderTest> StartAsync(ServerOptions options, IReadOnlyList<int> script) => StartAsync(options, Served, script);

    public static async Task<ServerUnderTest> StartAsync(ServerOptions options, ServedModel served, IReadOnlyList<int> script)
    {
        var server = await LoadingAsync(options, served, script, TimeProvider.System);
        server.Open();
        return server;
    }

    /// <summary>Listening, but without a pipeline until <see cref="Open"/>.</summary>
    public static Task<ServerUnderTest> LoadingAsync(ServerOptions options, IReadOnlyList<int> script, TimeProvider timeProvider) =>
        LoadingAsync(options, Served, script, timeProvider);

    private static async Task<ServerUnderTest> LoadingAsync(ServerOptions options, ServedModel served, IReadOnlyList<int> script, TimeProvider timeProvider)
    {
        Uri? address = null;
        var server = HttpServer.Build(options, served, IPAddress.Loopback, services =>
        {
            services.AddSingleton(timeProvider).AddSingleton(new LoadProgress(new SilentObserver()));
            services.AddSingleton<Action<Uri>>(listening => address = listening).AddHostedService<ListeningAddress>();
        });
        await server.StartAsync(Token);
        return new ServerUnderTest(server, served, new ScriptedStage(script), address!);
    }

    public void Open()
    {
        var pipeline = new ServingPipeline(_loop, new GenerationService(_loop, _served.Config, _served.Tokenizer), Steps, [Status(0, ClockOffsets[0]), Status(1, ClockOffsets[1])], Epoch: 1);
        _server.Services.GetRequiredService<Readiness>().Follow(pipeline);
        _server.Services.GetRequiredService<StageMetrics>().Follow(pipeline);
        _server.Services.GetRequiredService<LiveView>().Follow(pipeline);
        _server.Services.GetRequiredService<StepTracing>().Follow(pipeline);
        _server.Availability.Open(pipeline);
    }

    public Task<HttpResponseMessage> PostAsync(string path, object body) => Http.PostAsJsonAsync(path, body, Token);

    /// <summary>The document of an answer that is expected to be good.</summary>
    public async Task<JsonElement> AskAsync(string path, object body)
    {
        using var answer = await PostAsync(path, body);
        var text = await answer.Content.ReadAsStringAsync(Token);
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Status, and the error of the envelope.</summary>
    public async Task<(int Status, JsonElement Error)> RefusedAsync(string path, string body)
    {
        using var answer = await Http.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"), Token);
        return ((int)answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Token)).RootElement.GetProperty("error"));
    }

    /// <summary>Everything that a stream brings, as it is on the wire.</summary>
    public async Task<string> StreamAsync(string path, object body)
    {
        using var answer = await PostAsync(path, body);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        return await answer.Content.ReadAsStringAsync(Token);
    }

    public async Task<string> MetricsAsync() => await Http.GetStringAsync("/metrics", Token);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Stage.Free();
        await _loop.DisposeAsync();
        await _server.DisposeAsync();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static StageStatus Status(int stage, long clockOffset) => new()
    {
        Shard = new ShardAssignment(stage, 2, new LayerRange(stage * 4, (stage + 1) * 4)),
        Address = "nowhere:1",
        Device = "cpu",
        DeviceName = "script",
        ProcessId = 0,
        WeightBytes = 0,
        CacheBytes = 0,
        Kernels = "none",
        Threads = 1,
        LoadSeconds = 1.5,
        ClockOffset = clockOffset,
    };
}
