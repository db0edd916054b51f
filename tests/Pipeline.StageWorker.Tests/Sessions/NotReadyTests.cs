using Pipeline.Protos.Clients;
using Pipeline.Protos.V1;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Tests.Sessions;

/// <summary>Lease, load, start, steps: whoever leaves one out is told which.</summary>
public class NotReadyTests
{
    private const string NoLease = "nobody holds the lease on this worker: attach first";
    private const string NoShard = "no shard is loaded yet";
    private const string NoStart = "the stage is not started yet";

    [Theory]
    [InlineData("load")]
    [InlineData("start")]
    [InlineData("forward")]
    [InlineData("export")]
    [InlineData("import")]
    public async Task Call_WithoutALease_IsRefused(string call)
    {
        await using var worker = await TestWorker.StartAsync();
        Refusal.Is(StageError.NotReady, NoLease, await Refusal.OfAsync(() => CallAsync(worker, call, lease: 1)));
    }

    [Theory]
    [InlineData("start", NoShard)]
    [InlineData("forward", NoStart)]
    [InlineData("export", NoShard)]
    [InlineData("import", NoShard)]
    public async Task Call_WithoutALoad_IsRefused(string call, string message)
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachWholeAsync(worker);
        Refusal.Is(StageError.NotReady, message, await Refusal.OfAsync(() => CallAsync(worker, call, stage.Connection.Lease)));
    }

    [Theory]
    [InlineData("forward")]
    [InlineData("export")]
    [InlineData("import")]
    public async Task Call_WithoutAStart_IsRefused(string call)
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.AttachWholeAsync(worker);
        await stage.LoadAsync();
        Refusal.Is(StageError.NotReady, NoStart, await Refusal.OfAsync(() => CallAsync(worker, call, stage.Connection.Lease)));
    }

    /// <summary>A load takes the cache away with the old shard: steps have to wait for the next start.</summary>
    [Fact]
    public async Task Forward_AfterASecondLoad_IsRefusedUntilTheNextStart()
    {
        await using var worker = await TestWorker.StartAsync();
        await using var stage = await TestStage.StartWholeAsync(worker);
        var step = Script.Write()[0];
        await stage.StepAsync(step);
        await stage.LoadAsync();
        Assert.Equal(StageError.NotReady, (await stage.EndAsync()).Error);
        Refusal.Is(StageError.NotReady, NoStart, await stage.RefusalAsync(step));
        await stage.StartAsync();
        using var undisturbed = new LocalPipeline();
        Same.Results(undisturbed.Step(step), await stage.StepAsync(step));
    }

    private static async Task CallAsync(TestWorker worker, string call, long lease)
    {
        var token = TestContext.Current.CancellationToken;
        var headers = LeaseHeaders.Of(lease);
        switch (call)
        {
            case "load":
                using (var load = worker.Control.Load(new LoadRequest(), headers, cancellationToken: token))
                {
                    await load.ResponseStream.MoveNext(token);
                }

                break;
            case "start":
                await worker.Control.StartAsync(new StartRequest(), headers, cancellationToken: token);
                break;
            case "export":
                using (var export = worker.Control.ExportSequence(new ExportSequenceRequest { Epoch = 1, Sequence = 1 }, headers, cancellationToken: token))
                {
                    await export.ResponseStream.MoveNext(token);
                }

                break;
            case "import":
                using (var import = worker.Control.ImportSequence(headers, cancellationToken: token))
                {
                    await import.ResponseAsync;
                }

                break;
            default:
                await using (var forward = await ForwardCall.OpenAsync(worker.Channel.CreateCallInvoker(), 0, lease, null, token))
                {
                    await forward.WaitForEndAsync();
                }

                break;
        }
    }
}
