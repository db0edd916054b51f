using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Pipeline.Model;
using Pipeline.Model.Caching;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Execution;

/// <summary>
/// A shard as a stage. While one step is computed the next is already being read and the last is still being sent; the bounds
/// in between make a slow neighbour hold back everyone before it.
/// </summary>
public sealed class ShardStage(ModelShard shard, SequenceTable sequences, ComputeThread thread, StageClock clock) : IStage
{
    private const int OutputsAhead = 2;

    public async IAsyncEnumerable<StageOutput> ForwardAsync(IAsyncEnumerable<StageInput> inputs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var outputs = Channel.CreateBounded<StageOutput>(
            new BoundedChannelOptions(OutputsAhead) { SingleReader = true, SingleWriter = true, AllowSynchronousContinuations = true });
        var computing = ComputeAllAsync(inputs, outputs.Writer, stop.Token);
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
            await computing;
            while (outputs.Reader.TryRead(out var unread))
            {
                unread.Dispose();
            }
        }
    }

    private async Task ComputeAllAsync(IAsyncEnumerable<StageInput> inputs, ChannelWriter<StageOutput> outputs, CancellationToken cancellationToken)
    {
        try
        {
            var reader = StampAsync(inputs, cancellationToken).GetAsyncEnumerator(cancellationToken);
            await using (reader)
            {
                var reading = reader.MoveNextAsync().AsTask();
                try
                {
                    while (await reading)
                    {
                        var (input, received) = reader.Current;
                        var step = thread.RunAsync(() => Compute(input, received));
                        reading = reader.MoveNextAsync().AsTask();
                        await HandOverAsync(await step, outputs, cancellationToken);
                    }
                }
                catch (Exception exception)
                {
                    // The next input may never come: whoever takes the outputs has to learn of this first, and ends the reading.
                    outputs.TryComplete(exception);
                    throw;
                }
                finally
                {
                    // An enumerator must not be disposed while it moves, and what it read ahead has no other owner.
                    await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    if (reading is { IsCompletedSuccessfully: true, Result: true })
                    {
                        reader.Current.Input.Dispose();
                    }
                }
            }

            outputs.Complete();
        }
        catch (Exception exception)
        {
            outputs.TryComplete(exception);
        }
    }

    private static async ValueTask HandOverAsync(StageOutput output, ChannelWriter<StageOutput> outputs, CancellationToken cancellationToken)
    {
        try
        {
            await outputs.WriteAsync(output, cancellationToken);
        }
        catch
        {
            output.Dispose();
            throw;
        }
    }

    private async IAsyncEnumerable<(StageInput Input, long Received)> StampAsync(
        IAsyncEnumerable<StageInput> inputs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var input in inputs.WithCancellation(cancellationToken))
        {
            yield return (input, clock.Now);
        }
    }

    private StageOutput Compute(StageInput input, long received)
    {
        using (input)
        {
            var started = clock.Now;
            var output = ForwardChecked(input);
            var result = output.Results is { } slices
                ? new MicrobatchResult(input.Microbatch.Epoch, input.Microbatch.Step, input.Microbatch.Id, slices)
                : null;
            return new StageOutput(input.Microbatch, output.Hidden, result, new StepTimes(received, started, clock.Now));
        }
    }

    private ShardOutput ForwardChecked(StageInput input)
    {
        var stage = shard.Assignment.StageIndex;
        try
        {
            return shard.Forward(sequences.Admit(input.Microbatch), input.Hidden);
        }
        catch (StageException exception)
        {
            throw exception.At(stage);
        }
        catch (Exception exception)
        {
            throw new StageException(ComputeFailures.Classify(exception), $"step {input.Microbatch.Step} failed: {ComputeFailures.Describe(exception)}", stage, exception);
        }
    }
}
