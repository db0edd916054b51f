using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Serving.Answers;

/// <summary>Finish reasons by the names that clients know.</summary>
internal static class FinishReasonNames
{
    public static string Of(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.Length => "length",
        _ => "abort",
    };
}
