namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>From what was seen of each request to what a run amounts to.</summary>
public static class LoadStatistics
{
    private const double Second = 1000;

    /// <param name="planned">Requests that were to be made.</param>
    public static LoadResult Of(IReadOnlyList<RequestOutcome> outcomes, int planned, ServiceLevel? level, IReadOnlyList<double> percents)
    {
        ArgumentNullException.ThrowIfNull(outcomes);
        var good = outcomes.Where(outcome => outcome.Failure is null).ToList();
        var finished = outcomes.Where(outcome => outcome.Failure is not { Kind: FailureKind.Interrupted }).ToList();
        var throttled = finished.Count(outcome => outcome.Failure is { Kind: FailureKind.Throttled });
        var seconds = Duration(outcomes) / Second;
        var (input, output) = (good.Sum(outcome => (long)outcome.InputTokens), good.Sum(outcome => (long)outcome.OutputTokens));
        return new LoadResult
        {
            Successful = good.Count,
            Failed = finished.Count - good.Count - throttled,
            Throttled = throttled,
            Unfinished = planned - finished.Count,
            Failures = Failures(finished),
            DurationSeconds = seconds,
            InputTokens = input,
            OutputTokens = output,
            CountedHere = good.Count(outcome => !outcome.CountedByServer),
            RequestsPerSecond = Rate(good.Count),
            GoodRequestsPerSecond = level is null ? null : Rate(good.Count(level.IsMetBy)),
            OutputTokensPerSecond = Rate(output),
            PeakOutputTokensPerSecond = PeakRate(good),
            TotalTokensPerSecond = Rate(input + output),
            PeakConcurrency = Concurrency(outcomes).Select(step => step.Running).DefaultIfEmpty(0).Max(),
            Latencies = Enum.GetValues<LatencyKind>().ToDictionary(kind => kind, kind => LatencySummary.Of(Latencies(good, kind), percents)),
        };

        double Rate(double count) => seconds > 0 ? count / seconds : 0;
    }

    /// <summary>Of every request that showed text, in milliseconds.</summary>
    public static double[] Latencies(IEnumerable<RequestOutcome> outcomes, LatencyKind kind) =>
    [
        .. outcomes.Where(outcome => outcome.Failure is null).SelectMany(outcome => kind switch
        {
            LatencyKind.Ttft => OneOrNone(outcome.TimeToFirstToken),
            LatencyKind.Tpot => OneOrNone(outcome.TimePerOutputToken),
            LatencyKind.Itl => outcome.IntervalsBetweenContents,
            _ => OneOrNone(outcome.Latency),
        })
    ];

    /// <summary>Tokens a second in each span of the run; a piece of text stands for as many tokens as its request's pieces do on average.</summary>
    public static double[] OutputRates(IReadOnlyList<RequestOutcome> outcomes, double spanMilliseconds)
    {
        ArgumentNullException.ThrowIfNull(outcomes);
        if (outcomes.Count == 0)
        {
            return [];
        }

        var began = outcomes.Min(outcome => outcome.Started);
        var rates = new double[(int)(Duration(outcomes) / spanMilliseconds) + 1];
        foreach (var outcome in outcomes)
        {
            foreach (var time in outcome.ContentTimes)
            {
                rates[(int)((time - began) / spanMilliseconds)] += TokensPerContent(outcome) * Second / spanMilliseconds;
            }
        }

        return rates;
    }

    /// <summary>How many requests were under way from each moment on at which that changed; one that ends makes room before one that starts.</summary>
    public static IEnumerable<(double Time, int Running)> Concurrency(IEnumerable<RequestOutcome> outcomes)
    {
        var running = 0;
        return outcomes
            .SelectMany(outcome => new[] { (Time: outcome.Started, Change: 1), (Time: outcome.Ended, Change: -1) })
            .OrderBy(change => change.Time).ThenBy(change => change.Change)
            .Select(change => (change.Time, running += change.Change));
    }

    /// <summary>Tokens in the second that had most of them, wherever it began; of a run shorter than that, in all of it.</summary>
    private static double PeakRate(IReadOnlyCollection<RequestOutcome> outcomes)
    {
        var window = Math.Min(Second, Duration(outcomes));
        var contents = outcomes.SelectMany(outcome => outcome.ContentTimes, (outcome, time) => (Time: time, Tokens: TokensPerContent(outcome))).OrderBy(content => content.Time).ToArray();
        var (peak, inside, first) = (0.0, 0.0, 0);
        foreach (var (time, tokens) in contents)
        {
            inside += tokens;
            while (time - contents[first].Time >= window)
            {
                inside -= contents[first++].Tokens;
            }

            peak = Math.Max(peak, inside);
        }

        return window > 0 ? peak * Second / window : 0;
    }

    private static double TokensPerContent(RequestOutcome outcome) => outcome.OutputTokens / (double)outcome.ContentTimes.Length;

    private static double Duration(IReadOnlyCollection<RequestOutcome> outcomes) =>
        outcomes.Count == 0 ? 0 : outcomes.Max(outcome => outcome.Ended) - outcomes.Min(outcome => outcome.Started);

    private static double[] OneOrNone(double? value) => value is { } measured ? [measured] : [];

    private static List<FailureCount> Failures(IEnumerable<RequestOutcome> outcomes) =>
    [
        .. from outcome in outcomes
           let failure = outcome.Failure
           where failure is not null
           group failure by (failure.Kind, failure.Status) into alike
           orderby alike.Count() descending, alike.Key.Kind, alike.Key.Status
           select new FailureCount(alike.Key.Kind, alike.Key.Status, alike.Count(), alike.First().Message, alike.Max(one => one.RetryAfterSeconds))
    ];
}
