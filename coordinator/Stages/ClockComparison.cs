using Pipeline.Protos.Clients;

namespace Pipeline.Coordinator.Stages;

/// <summary>How a stage's clock differs from the coordinator's, found by asking it what time it is.</summary>
internal static class ClockComparison
{
    private const int Questions = 8;

    /// <summary>Add to the stage's clock to get the coordinator's, in nanoseconds.</summary>
    public static async Task<long> OffsetAsync(StageConnection connection, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        List<(long Sent, long Clock, long Received)> answers = [];
        while (answers.Count < Questions)
        {
            var sent = Now(timeProvider);
            var reply = await connection.HelloAsync(cancellationToken);
            answers.Add((sent, reply.ClockNanoseconds, Now(timeProvider)));
        }

        return OffsetOf(answers);
    }

    /// <summary>
    /// The quickest answer says most: its clock was read somewhere between question and answer. Where every answer allows that
    /// the clocks are one, they are taken for one, as those of a host are; two hosts did not start within the same millisecond.
    /// </summary>
    internal static long OffsetOf(IReadOnlyList<(long Sent, long Clock, long Received)> answers)
    {
        if (answers.All(answer => answer.Clock >= answer.Sent && answer.Clock <= answer.Received))
        {
            return 0;
        }

        var (sent, clock, received) = answers.MinBy(answer => answer.Received - answer.Sent);
        return sent + ((received - sent) / 2) - clock;
    }

    private static long Now(TimeProvider timeProvider) => (long)(timeProvider.GetTimestamp() * (1e9 / timeProvider.TimestampFrequency));
}
