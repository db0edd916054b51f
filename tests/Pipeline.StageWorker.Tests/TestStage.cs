using System.Threading.Channels;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Codec;
using Pipeline.Protos.V1;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;
using ElementType = Pipeline.Shared.Models.ElementType;
using MicrobatchResult = Pipeline.Shared.Batching.MicrobatchResult;
using StepReport = Pipeline.Shared.Stages.StepReport;

namespace Pipeline.StageWorker.Tests;

/// <summary>A coordinator's hold on one worker: the lease, and everything that the stage tells.</summary>
internal sealed class TestStage : IAsyncDisposable
{
    private readonly Channel<MicrobatchResult> _results = Channel.CreateUnbounded<MicrobatchResult>();
    private readonly Channel<StageException> _failures = Channel.CreateUnbounded<StageException>();
    private readonly TestWorker _worker;
    private readonly ShardAssignment _assignment;
    private ForwardCall? _call;

    private TestStage(TestWorker worker, ShardAssignment assignment)
    {
        _worker = worker;
        _assignment = assignment;
        Connection = new StageConnection(worker.Address, assignment.StageIndex, worker.Certificates);
    }

    /// <summary>All of the model in one stage.</summary>
    public static ShardAssignment Whole { get; } = new(0, 1, new LayerRange(0, Models.Config.LayerCount));

    public StageConnection Connection { get; }

    public List<StepReport> Reports { get; } = [];

    public int ReportCount
    {
        get
        {
            lock (Reports)
            {
                return Reports.Count;
            }
        }
    }

    /// <summary>Takes the lease and nothing else.</summary>
    public static async Task<TestStage> AttachAsync(TestWorker worker, ShardAssignment assignment)
    {
        var stage = new TestStage(worker, assignment);
        try
        {
            await stage.Connection.AttachAsync("test", assignment.StageCount, stage.Handlers, Token);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>A stage that is ready for its first step.</summary>
    public static async Task<TestStage> StartAsync(TestWorker worker, ShardAssignment assignment, TestStage? next = null, ElementType type = ElementType.Float32)
    {
        var stage = await AttachAsync(worker, assignment);
        await stage.LoadAsync(type: type);
        await stage.StartAsync(next);
        return stage;
    }

    public static Task<TestStage> StartWholeAsync(TestWorker worker, ElementType type = ElementType.Float32) => StartAsync(worker, Whole, type: type);

    public static Task<TestStage> AttachWholeAsync(TestWorker worker) => AttachAsync(worker, Whole);

    /// <summary>Loads the assignment from the seed; the request may be changed first.</summary>
    public Task<LoadReply> LoadAsync(Action<LoadRequest>? change = null, ElementType type = ElementType.Float32, Action<LoadProgress>? onProgress = null, CancellationToken? cancellationToken = null)
    {
        var request = new LoadRequest
        {
            Model = ModelShapeCodec.ToWire(Models.Config),
            DummyWeights = true,
            DummySeed = Models.Seed,
            StageIndex = _assignment.StageIndex,
            StageCount = _assignment.StageCount,
            LayerStart = _assignment.Layers.Start,
            LayerEnd = _assignment.Layers.End,
            ComputeType = ElementTypeCodec.ToWire(type),
            Threads = 1,
        };
        change?.Invoke(request);
        return Connection.LoadAsync(request, onProgress ?? (_ => { }), cancellationToken ?? Token);
    }

    /// <param name="next">Where steps go on to; the last stage has none.</param>
    public Task<StartReply> StartAsync(TestStage? next = null, Action<StartRequest>? change = null, KvCacheSpec? spec = null) => Connection.StartAsync(
        StartOf(next?._worker.Address ?? "", request =>
        {
            request.NextLease = next?.Connection.Lease ?? 0;
            change?.Invoke(request);
        }, spec),
        Token);

    /// <summary>With a next stage whose lease nobody holds.</summary>
    public Task<StartReply> StartAsync(string next) => Connection.StartAsync(StartOf(next), Token);

    public static StartRequest StartOf(string next = "", Action<StartRequest>? change = null, KvCacheSpec? spec = null)
    {
        spec ??= Models.Spec;
        var request = new StartRequest { Epoch = 1, BlockSize = spec.BlockSize, NextAddress = next, MaxBatchTokens = Models.MaxBatchTokens, MaxSequences = 4 };
        request.Groups.AddRange(spec.Groups.Select(group => new CacheGroup { Window = group.Window ?? 0, RingBlocks = group.RingBlocks, BlockCount = group.BlockCount }));
        change?.Invoke(request);
        return request;
    }

    /// <summary>Sends one step into the open stream, opening it if there is none.</summary>
    public async Task SendAsync(Microbatch microbatch, HiddenStates? hidden = null)
    {
        _call ??= await ForwardCall.OpenAsync(_worker.Channel.CreateCallInvoker(), _assignment.StageIndex, Connection.Lease, null, Token);
        await _call.SendAsync(microbatch, hidden, Token);
    }

    public async Task<MicrobatchResult> StepAsync(Microbatch microbatch, HiddenStates? hidden = null)
    {
        await SendAsync(microbatch, hidden);
        return await ResultAsync();
    }

    public Task<MicrobatchResult> ResultAsync() => _results.Reader.ReadAsync(Token).AsTask().WaitAsync(Patience, Token);

    /// <summary>What the stage told its coordinator, which is not necessarily who sent the step.</summary>
    public Task<StageException> FailureAsync() => _failures.Reader.ReadAsync(Token).AsTask().WaitAsync(Patience, Token);

    /// <summary>Sends a step that must be refused, and says how it was; the stream is over then.</summary>
    public async Task<StageException> RefusalAsync(Microbatch microbatch, HiddenStates? hidden = null)
    {
        var refusal = await Record.ExceptionAsync(() => SendAsync(microbatch, hidden));
        if (refusal is null)
        {
            return await EndAsync();
        }

        await CloseAsync();
        return Assert.IsType<StageException>(refusal);
    }

    /// <summary>Tells the stage that nothing more comes, and waits until it has taken all.</summary>
    public async Task CompleteAsync()
    {
        await _call!.CompleteAsync().WaitAsync(Patience, Token);
        await CloseAsync();
    }

    /// <summary>How the stage ended the open stream.</summary>
    public async Task<StageException> EndAsync()
    {
        var end = await Assert.ThrowsAsync<StageException>(() => _call!.WaitForEndAsync().WaitAsync(Patience, Token));
        await CloseAsync();
        return end;
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await Connection.DisposeAsync();
    }

    /// <summary>Long enough for a machine under load; only a hang takes it.</summary>
    private static TimeSpan Patience => TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private StageEventHandlers Handlers => new(
        result => _results.Writer.TryWrite(result),
        reports =>
        {
            lock (Reports)
            {
                Reports.AddRange(reports);
            }
        },
        failure => _failures.Writer.TryWrite(failure));

    private async Task CloseAsync()
    {
        if (_call is not null)
        {
            await _call.DisposeAsync();
            _call = null;
        }
    }
}
