using Pipeline.Protos.SharedMemory;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Clients;

/// <summary>How steps go from this process to a stage, and if not through shared memory, why not.</summary>
/// <param name="Transport">Never <see cref="HopTransport.Auto"/>.</param>
/// <param name="Reason">Empty where shared memory is used or was not asked for.</param>
public sealed record TransportChoice(HopTransport Transport, string Reason)
{
    public static TransportChoice Network { get; } = new(HopTransport.Grpc, "");

    /// <summary>Tries shared memory with the stage unless the network is asked for; fails if memory is asked for and does not work.</summary>
    public static async Task<TransportChoice> DecideAsync(HopTransport wanted, StageConnection target, CancellationToken cancellationToken)
    {
        if (wanted == HopTransport.Grpc)
        {
            return Network;
        }

        var refusal = await TryAsync(target, cancellationToken).ConfigureAwait(false);
        return (refusal, wanted) switch
        {
            ("", _) => new TransportChoice(HopTransport.Ipc, ""),
            (_, HopTransport.Auto) => new TransportChoice(HopTransport.Grpc, refusal),
            _ => throw new StageException(
                StageError.Unreachable, $"no shared memory with stage {target.StageIndex} at {target.Address}: {refusal}; --transport grpc or auto goes over the network", target.StageIndex),
        };
    }

    private static async Task<string> TryAsync(StageConnection target, CancellationToken cancellationToken)
    {
        try
        {
            using var ring = RingWriter.CreateForTokens();
            return await target.ProbeRingAsync(ring.Address, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            return exception.Message;
        }
    }
}
