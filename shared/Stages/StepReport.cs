using Pipeline.Shared.Batching;

namespace Pipeline.Shared.Stages;

/// <summary>
/// Where one step spent its time in one stage. Times are nanoseconds of the stage's own monotonic clock:
/// received (whole frame read) &lt;= started (computation) &lt;= finished &lt;= sent (handed to the wire). Waiting for input is
/// started minus the finish before; waiting to send is sent minus finished.
/// </summary>
public sealed record StepReport(
    int StageIndex, long Step, MicrobatchId Microbatch, int Tokens, int Sequences, long Received, long Started, long Finished, long Sent)
{
    public long BusyNanoseconds => Finished - Started;
}
