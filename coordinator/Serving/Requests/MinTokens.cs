using Pipeline.Coordinator.Serving.Errors;

namespace Pipeline.Coordinator.Serving.Requests;

/// <summary>The one rule between two fields: an answer cannot have to be longer than it may be.</summary>
internal static class MinTokens
{
    public static void Check(int minTokens, int? maxTokens, string maxField)
    {
        if (minTokens > maxTokens)
        {
            throw ApiException.Invalid("min_tokens", $"min_tokens is {minTokens}; at most {maxField}, which is {maxTokens}, is wanted");
        }
    }
}
