using Grpc.Core;

namespace Pipeline.Protos.SharedMemory;

/// <summary>How the two ends of a Forward call agree on a ring: an offer in the request's headers, the answer in the response's.</summary>
public static class RingHeaders
{
    private const string OfferName = "pipeline-ring";
    private const string AnswerName = "pipeline-ring-answer";
    private const string Accepted = "accepted";
    private const string AcceptedWithDevice = "accepted-with-device";
    private const string DeviceOfferName = "pipeline-device-slots-bin"; // gRPC's suffix for bytes

    /// <param name="deviceSlots">Where hidden states lie on the sender's device; empty when they come through the ring.</param>
    public static void Offer(Metadata request, string address, ReadOnlyMemory<byte> deviceSlots = default)
    {
        request.Add(OfferName, address);
        if (!deviceSlots.IsEmpty)
        {
            request.Add(DeviceOfferName, deviceSlots.ToArray());
        }
    }

    /// <summary>Where the sender's ring is; null when the steps come in the call itself.</summary>
    public static string? OfferIn(Metadata request) => request.GetValue(OfferName);

    /// <summary>Where hidden states lie on the sender's device; null when it offers none.</summary>
    public static byte[]? DeviceOfferIn(Metadata request) => request.GetValueBytes(DeviceOfferName);

    public static Metadata Acceptance(bool withDevice) => new() { { AnswerName, withDevice ? AcceptedWithDevice : Accepted } };

    public static bool IsAccepted(Metadata response) => response.GetValue(AnswerName) is Accepted or AcceptedWithDevice;

    /// <summary>Hidden states may stay on the sender's device.</summary>
    public static bool IsAcceptedWithDevice(Metadata response) => response.GetValue(AnswerName) == AcceptedWithDevice;
}
