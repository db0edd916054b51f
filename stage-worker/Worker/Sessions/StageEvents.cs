using System.Threading.Channels;
using Pipeline.Protos.Codec;
using Pipeline.Protos.SharedMemory;
using Pipeline.Protos.V1;
using Pipeline.Shared.Stages;
using StepReport = Pipeline.Shared.Stages.StepReport;

namespace Pipeline.StageWorker.Sessions;

/// <summary>
/// What a stage tells its coordinator. Results and failures go at once; step reports are gathered, since nobody waits for them.
/// </summary>
public sealed class StageEvents
{
    private const int ReportsAtOnce = 64;

    private readonly Channel<StageEvent> _events = Channel.CreateUnbounded<StageEvent>(
        new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = true });

    private readonly Lock _reportLock = new();
    private StepReports _gathered = new();
    private ResultWriter? _resultRing;
    private long _epoch;

    public ChannelReader<StageEvent> Reader => _events.Reader;

    public void Attached(long lease) => _events.Writer.TryWrite(new StageEvent { Attached = new Attached { Lease = lease } });

    /// <summary>From here on steps are of this epoch; what is still to be told of those before is told as theirs.</summary>
    public void BeginEpoch(long epoch)
    {
        lock (_reportLock)
        {
            FlushNeedsLock();
            _epoch = epoch;
        }
    }

    /// <summary>Where results go in the coming epoch; null sends them with everything else.</summary>
    public void SendResultsTo(ResultWriter? ring)
    {
        _resultRing?.Dispose();
        _resultRing = ring;
    }

    public void Publish(Shared.Batching.MicrobatchResult result, CancellationToken cancellationToken)
    {
        var wire = ResultCodec.ToWire(result);
        if (_resultRing?.Write(wire, cancellationToken) is not true)
        {
            _events.Writer.TryWrite(new StageEvent { Result = wire });
        }
    }

    /// <param name="epoch">Whose steps failed: a coordinator that has gone on to another must not take it for a failure there.</param>
    public void Fail(StageException failure, int ownStage, long epoch) => _events.Writer.TryWrite(new StageEvent
    {
        Failure = new StageFailure { Error = (int)failure.Error, Message = failure.Message, StageIndex = failure.StageIndex ?? ownStage, Epoch = epoch, Step = failure.Step ?? 0 },
    });

    public void Report(StepReport report)
    {
        lock (_reportLock)
        {
            _gathered.Reports.Add(ResultCodec.ToWire(report));
            if (_gathered.Reports.Count >= ReportsAtOnce)
            {
                FlushNeedsLock();
            }
        }
    }

    public void FlushReports()
    {
        lock (_reportLock)
        {
            FlushNeedsLock();
        }
    }

    public void Complete() => _events.Writer.TryComplete();

    private void FlushNeedsLock()
    {
        if (_gathered.Reports.Count > 0)
        {
            _gathered.Epoch = _epoch;
            _events.Writer.TryWrite(new StageEvent { Reports = _gathered });
            _gathered = new StepReports();
        }
    }
}
