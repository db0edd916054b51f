namespace Pipeline.Coordinator.Serving.OpenAI;

/// <summary>A model by the name that requests call it.</summary>
internal sealed record ModelCard(string Id, string Object, long Created, string OwnedBy, int MaxModelLen);
