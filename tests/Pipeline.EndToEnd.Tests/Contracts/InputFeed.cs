using System.Runtime.CompilerServices;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.EndToEnd.Tests.Contracts;

/// <summary>Inputs for a stage, which knows how far they were taken and whether the taker has let go of them.</summary>
internal sealed class InputFeed(IEnumerable<Microbatch> microbatches, Func<Microbatch, StageInput> toInput)
{
    private int _taken;

    public int Taken => Volatile.Read(ref _taken);

    public bool Released { get; private set; }

    public async IAsyncEnumerable<StageInput> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        try
        {
            foreach (var microbatch in microbatches)
            {
                await Task.Yield();
                cancellationToken.ThrowIfCancellationRequested();
                Interlocked.Increment(ref _taken);
                yield return toInput(microbatch);
            }
        }
        finally
        {
            Released = true;
        }
    }
}
