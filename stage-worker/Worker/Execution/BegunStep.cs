using Pipeline.Model;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Execution;

/// <summary>A step from its beginning to its end, with its times and, if it fails, what that means to the pipeline. Owns its input.</summary>
/// <param name="arrived">When hidden states on a device were there, if the step could not begin then; null otherwise.</param>
internal sealed class BegunStep(StageInput input, long received, long? arrived, StageClock clock, int stageIndex)
{
    private readonly long _begun = clock.Now;
    private ShardStep? _step;

    /// <summary>Hidden states that may go on before the step is over.</summary>
    public HiddenStates? Early => _step!.Early;

    /// <summary>Whether <see cref="Finish"/> returns at once.</summary>
    public bool IsOver => _step!.IsOver();

    public void Begin(Func<StageInput, ShardStep> begin)
    {
        try
        {
            _step = Guard(() => begin(input));
        }
        catch
        {
            input.Dispose();
            throw;
        }
    }

    public StageOutput Finish()
    {
        using (input)
        {
            var output = Guard(_step!.Finish);
            var result = output.Results is { } slices ? new MicrobatchResult(input.Microbatch.Epoch, input.Microbatch.Step, input.Microbatch.Id, slices) : null;
            return new StageOutput(input.Microbatch, output.Hidden, result, Times());
        }
    }

    /// <summary>
    /// A device tells how long it computed. Hidden states on a device are announced before they are there: received is when they
    /// were, which is when the device began unless other stages had the turn.
    /// </summary>
    private StepTimes Times()
    {
        var finished = clock.Now;
        if (_step!.DeviceTime is not { } time)
        {
            return new StepTimes(received, _begun, finished);
        }

        var started = Math.Max(received, finished - (long)time.TotalNanoseconds);
        return new StepTimes(input.Hidden?.DeviceSlot is null ? received : Math.Min(arrived ?? started, started), started, finished);
    }

    private T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (StageException exception)
        {
            throw exception.At(stageIndex).In(input.Microbatch.Step);
        }
        catch (Exception exception)
        {
            throw new StageException(ComputeFailures.Classify(exception), $"step {input.Microbatch.Step} failed: {ComputeFailures.Describe(exception)}", stageIndex, exception) { Step = input.Microbatch.Step };
        }
    }
}
