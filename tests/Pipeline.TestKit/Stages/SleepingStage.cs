using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;

namespace Pipeline.TestKit.Stages;

/// <summary>
/// A stage whose computation takes a set time and no processor, so that schedules can be measured on any machine. It works
/// ahead of its consumer by two outputs, as a real stage does, and reports when it was busy.
/// </summary>
public sealed class SleepingStage(ShardAssignment assignment, TimeSpan sleep, TimeProvider timeProvider, Action<StepReport> onReport) : IStage
{
    private const int OutputsAhead = 2;

    private readonly EchoStage _echo = new(assignment);

    public async IAsyncEnumerable<StageOutput> ForwardAsync(IAsyncEnumerable<StageInput> inputs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var outputs = Channel.CreateBounded<StageOutput>(OutputsAhead);
        var working = WorkAsync(inputs, outputs.Writer, stop.Token);
        try
        {
            await foreach (var output in outputs.Reader.ReadAllAsync(cancellationToken))
            {
                yield return output;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await working;
            while (outputs.Reader.TryRead(out var unread))
            {
                unread.Dispose();
            }
        }
    }

    private long Now => (long)(timeProvider.GetTimestamp() * (1e9 / timeProvider.TimestampFrequency));

    private async Task WorkAsync(IAsyncEnumerable<StageInput> inputs, ChannelWriter<StageOutput> outputs, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var input in inputs.WithCancellation(cancellationToken))
            {
                var output = await ComputeAsync(input, cancellationToken);
                try
                {
                    await outputs.WriteAsync(output, cancellationToken);
                }
                catch
                {
                    output.Dispose();
                    throw;
                }

                Report(output);
            }

            outputs.Complete();
        }
        catch (Exception exception)
        {
            outputs.TryComplete(exception);
        }
    }

    private async Task<StageOutput> ComputeAsync(StageInput input, CancellationToken cancellationToken)
    {
        using (input)
        {
            var started = Now;
            await Task.Delay(sleep, timeProvider, cancellationToken);
            return _echo.Answer(input, new StepTimes(started, started, Now));
        }
    }

    private void Report(StageOutput output)
    {
        var (microbatch, times) = (output.Microbatch, output.Times);
        onReport(new StepReport(
            assignment.StageIndex, microbatch.Step, microbatch.Id, microbatch.TokenCount, microbatch.Slices.Count, times.Received, times.Started, times.Finished, Now));
    }
}
