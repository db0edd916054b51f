using Grpc.Core;
using Pipeline.StageWorker.Services;
using Pipeline.TestKit.Time;

namespace Pipeline.StageWorker.Tests.Services;

/// <summary>The library resets a call whose write is cancelled; the caller shall hear the reason instead.</summary>
public sealed class PatientWriterTests : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly SlowStream _stream = new();

    [Fact]
    public async Task Write_UnderWayAtTheStop_EndsInPeace()
    {
        using var patient = new PatientWriter<string>(_stream, TimeProvider.System, _stop.Token);
        var writing = patient.WriteAsync("a");
        await _stop.CancelAsync();
        Assert.False(_stream.Token.IsCancellationRequested);
        _stream.Taken.SetResult();
        await writing;
        Assert.Equal(["a"], _stream.Messages);
    }

    [Fact]
    public async Task Write_AfterTheStop_NeverBegins()
    {
        using var patient = new PatientWriter<string>(_stream, TimeProvider.System, _stop.Token);
        _stream.Taken.SetResult();
        await patient.WriteAsync("a");
        await _stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => patient.WriteAsync("b"));
        Assert.Equal(["a"], _stream.Messages);
    }

    [Fact]
    public async Task Write_ThatNobodyTakes_IsCutOffAfterTheStop()
    {
        var time = new HurriedTime();
        using var patient = new PatientWriter<string>(_stream, time, _stop.Token);
        var writing = patient.WriteAsync("a");
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing.WaitAsync(Eventually.Soon, TestContext.Current.CancellationToken));
        Assert.Equal([PatientWriter<string>.Patience], time.Waits);
    }

    public void Dispose() => _stop.Dispose();

    private sealed class SlowStream : IServerStreamWriter<string>
    {
        public List<string> Messages { get; } = [];

        public TaskCompletionSource Taken { get; } = new();

        public CancellationToken Token { get; private set; }

        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(string message) => throw new NotSupportedException("without a token nobody could cut it off");

        public Task WriteAsync(string message, CancellationToken cancellationToken)
        {
            Token = cancellationToken;
            Messages.Add(message);
            return Taken.Task.WaitAsync(cancellationToken);
        }
    }
}
