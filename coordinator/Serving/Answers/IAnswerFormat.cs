using Pipeline.Coordinator.Serving.OpenAI;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Serving.Answers;

/// <summary>The form that an endpoint gives its answers, as JSON documents in UTF-8. One object serves one request.</summary>
internal interface IAnswerFormat
{
    /// <summary>The frame that an answer's stream begins with; null if it begins with the text.</summary>
    byte[]? Opening(int choice);

    byte[] Part(AnswerPart part);

    /// <summary>The frame that ends one answer.</summary>
    byte[] Ending(int choice, FinishReason reason);

    byte[] UsageFrame(Usage usage);

    /// <summary>Everything in one document.</summary>
    byte[] Whole(IReadOnlyList<AnswerPart> answers, Usage usage);
}
