namespace Pipeline.Coordinator.Serving.Answers;

/// <summary>What every document of one answer begins with. <see cref="Created"/> is in seconds of Unix time.</summary>
internal sealed record AnswerHeader(string Id, long Created, string Model);
