using Grpc.Core;

namespace Pipeline.Protos.SharedMemory;

/// <summary>How the two ends of a Forward call agree on a ring: an offer in the request's headers, the answer in the response's.</summary>
public static class RingHeaders
{
    private const string OfferName = "pipeline-ring";
    private const string AnswerName = "pipeline-ring-answer";
    private const string Accepted = "accepted";

    public static void Offer(Metadata request, string address) => request.Add(OfferName, address);

    /// <summary>Where the sender's ring is; null when the steps come in the call itself.</summary>
    public static string? OfferIn(Metadata request) => request.GetValue(OfferName);

    public static Metadata Acceptance() => new() { { AnswerName, Accepted } };

    public static bool IsAccepted(Metadata response) => response.GetValue(AnswerName) == Accepted;
}
