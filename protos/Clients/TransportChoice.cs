using Pipeline.Protos.SharedMemory;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Clients;

/// <summary>How steps go from this process to a stage, and if not through shared memory, why not.</summary>
/// <param name="Transport">Never <see cref="HopTransport.Auto"/>.</param>
/// <param name="Reason">Why not a better one; empty where there is none or it was not asked for.</param>
public sealed record TransportChoice(HopTransport Transport, string Reason)
{
    public static TransportChoice Network { get; } = new(HopTransport.Grpc, "");

    /// <summary>As below, with a stage that gets no hidden states.</summary>
    public static Task<TransportChoice> DecideAsync(HopTransport wanted, StageConnection target, CancellationToken cancellationToken) =>
        DecideAsync(wanted, target, default, cancellationToken);

    /// <summary>Tries shared memory with the stage unless the network is asked for; fails if memory is asked for and does not work.</summary>
    /// <param name="deviceSlots">Device memory in which hidden states could stay; empty where there is none.</param>
    public static async Task<TransportChoice> DecideAsync(HopTransport wanted, StageConnection target, ReadOnlyMemory<byte> deviceSlots, CancellationToken cancellationToken)
    {
        if (wanted == HopTransport.Grpc)
        {
            return Network;
        }

        var (refusal, deviceRefusal) = await TryAsync(target, deviceSlots, cancellationToken).ConfigureAwait(false);
        return (refusal, wanted) switch
        {
            ("", _) when !deviceSlots.IsEmpty && deviceRefusal.Length == 0 => new TransportChoice(HopTransport.CudaIpc, ""),
            ("", _) => new TransportChoice(HopTransport.Ipc, deviceRefusal),
            (_, HopTransport.Auto) => new TransportChoice(HopTransport.Grpc, refusal),
            _ => throw new StageException(
                StageError.Unreachable, $"no shared memory with stage {target.StageIndex} at {target.Address}: {refusal}; --transport grpc or auto goes over the network", target.StageIndex),
        };
    }

    private static async Task<(string Refusal, string DeviceRefusal)> TryAsync(StageConnection target, ReadOnlyMemory<byte> deviceSlots, CancellationToken cancellationToken)
    {
        try
        {
            using var ring = RingWriter.CreateForTokens();
            var reply = await target.ProbeRingAsync(ring.Address, deviceSlots, cancellationToken).ConfigureAwait(false);
            return (reply.Refusal, reply.DeviceRefusal);
        }
        catch (IOException exception)
        {
            return (exception.Message, "");
        }
    }
}
