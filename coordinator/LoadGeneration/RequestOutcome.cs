namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>
/// What was seen of one request, in milliseconds since the run began. A request's latency ends with its last text, not with the
/// end of its stream: that is how the other load generators count, and what a reader of the text feels.
/// </summary>
/// <param name="ContentTimes">When each piece of text came.</param>
/// <param name="OutputTokens">As the server counted; the number of pieces when it did not.</param>
public sealed record RequestOutcome(
    double Started, double[] ContentTimes, double Ended, int InputTokens, int OutputTokens, bool CountedByServer, RequestFailure? Failure)
{
    /// <summary>Null when no text came: everything generated was invisible, for instance an end of text at once.</summary>
    public double? TimeToFirstToken => ContentTimes.Length > 0 ? ContentTimes[0] - Started : null;

    public double? Latency => ContentTimes.Length > 0 ? ContentTimes[^1] - Started : null;

    /// <summary>Without the first, whose time is that of the prompt; null when there is no other.</summary>
    public double? TimePerOutputToken => Latency is { } latency && OutputTokens > 1 ? (latency - TimeToFirstToken!.Value) / (OutputTokens - 1) : null;

    public IEnumerable<double> IntervalsBetweenContents => ContentTimes.Zip(ContentTimes.Skip(1), (earlier, later) => later - earlier);
}
