using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Pipeline.Model;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Execution;

/// <summary>
/// A shard as a stage. While one step is computed the next is already read and, on a device, queued behind it, and the last is
/// still being sent; the bounds in between make a slow neighbour hold back everyone before it.
/// </summary>
/// <param name="begin">Begins a step, on the compute thread.</param>
/// <param name="turn">Of the device, where other stages may share it.</param>
public sealed class ShardStage(int stageIndex, Func<StageInput, ShardStep> begin, ComputeThread thread, StageClock clock, IDeviceTurn? turn = null) : IStage
{
    private const int OutputsAhead = 2;

    private readonly StageTurn _turn = new(turn);
    private Task _lastEnding = Task.CompletedTask;
    private volatile Task<bool>? _reading;

    /// <summary>Steps that have begun and are not yet handed on: those in the channel, the one that its reader has, the one on its way in.</summary>
    public static int MostBegun => OutputsAhead + 2;

    /// <summary>
    /// How long a step waits for its turn; it is queued all the same then. Whoever has the turn may be stopped, and without it
    /// everything is only slower.
    /// </summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMilliseconds(50);

    private bool IsMoreWaiting => _reading is { IsCompletedSuccessfully: true, Result: true };

    public async IAsyncEnumerable<StageOutput> ForwardAsync(IAsyncEnumerable<StageInput> inputs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var outputs = Channel.CreateBounded<Task<StageOutput>>(
            new BoundedChannelOptions(OutputsAhead) { SingleReader = true, SingleWriter = true, AllowSynchronousContinuations = true });
        var computing = ComputeAllAsync(inputs, outputs.Writer, stop.Token);
        try
        {
            await foreach (var output in outputs.Reader.ReadAllAsync(cancellationToken))
            {
                yield return await output;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await computing;
            while (outputs.Reader.TryRead(out var unread))
            {
                await DisposeAsync(unread);
            }

            // Nobody may take the shard or its input away while a device is still at it.
            await _lastEnding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task DisposeAsync(Task<StageOutput> output)
    {
        await ((Task)output).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (output.IsCompletedSuccessfully)
        {
            (await output).Dispose();
        }
    }

    private async Task ComputeAllAsync(IAsyncEnumerable<StageInput> inputs, ChannelWriter<Task<StageOutput>> outputs, CancellationToken cancellationToken)
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
                        _reading = null;
                        var step = thread.RunAsync(() => BeginInTurn(input, received));
                        _reading = reading = reader.MoveNextAsync().AsTask();
                        await HandOverAsync(await await step, outputs, cancellationToken);
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

    private static async ValueTask HandOverAsync(Task<StageOutput> output, ChannelWriter<Task<StageOutput>> outputs, CancellationToken cancellationToken)
    {
        try
        {
            await outputs.WriteAsync(output, cancellationToken);
        }
        catch
        {
            await DisposeAsync(output);
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

    /// <summary>Begins a step when the device is free for this stage. What it has begun before is finished meanwhile.</summary>
    private Task<Task<StageOutput>> BeginInTurn(StageInput input, long received)
    {
        if (_turn.TryTake())
        {
            return Task.FromResult(Begin(input, received, null));
        }

        var since = Stopwatch.GetTimestamp();
        long? arrived = null;
        return thread.WatchAsync(IsTurn, () => Begin(input, received, arrived));

        bool IsTurn()
        {
            arrived ??= input.Hidden?.DeviceSlot is { IsFilled: true } ? clock.Now : null;
            return _turn.TryTake() || Stopwatch.GetElapsedTime(since) > Patience;
        }
    }

    /// <summary>Begins a step; the task ends when the output can be handed on.</summary>
    private Task<StageOutput> Begin(StageInput input, long received, long? arrived)
    {
        var isUnderWay = false;
        try
        {
            var begun = new BegunStep(input, received, arrived, clock, stageIndex);
            begun.Begin(begin);
            var early = begun.Early;
            if (early is null && begun.IsOver)
            {
                return Task.FromResult(begun.Finish());
            }

            isUnderWay = true;
            var ending = thread.WatchAsync(() => begun.IsOver, () => Finish(begun));
            _lastEnding = ending;
            return early is null ? ending : Task.FromResult(new StageOutput(input.Microbatch, early, null, default) { Ending = TimesOf(ending) });
        }
        finally
        {
            _turn.Began(isUnderWay, IsMoreWaiting);
        }
    }

    private StageOutput Finish(BegunStep begun)
    {
        try
        {
            return begun.Finish();
        }
        finally
        {
            _turn.Ended(IsMoreWaiting);
        }
    }

    private static async Task<StepTimes> TimesOf(Task<StageOutput> ending) => (await ending).Times;
}
