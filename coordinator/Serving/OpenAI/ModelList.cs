namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>The answer of <c>/v1/models</c>: one card for each name that the model is served under.</summary>
internal sealed record ModelList(string Object, IReadOnlyList<ModelCard> Data);
