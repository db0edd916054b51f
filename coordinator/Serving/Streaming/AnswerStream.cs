using Pipeline.Coordinator.Serving.Answers;

namespace Pipeline.Coordinator.Serving.Streaming;

/// <summary>Writes the answers of one request as a stream while they grow.</summary>
internal sealed class AnswerStream(EventStream events, AnswerJob job, DeltaBuffer buffer, TimeSpan keepAlive, TimeProvider timeProvider)
{
    private readonly UsageTally _usage = new(job);

    /// <summary>Everything up to the last frame; what follows it is <see cref="EventStream.WriteDone"/>, also after a failure.</summary>
    public async Task WriteAllAsync(CancellationToken cancellationToken)
    {
        for (var choice = 0; choice < job.Requests.Count; choice++)
        {
            if (job.Format.Opening(choice) is { } opening)
            {
                events.Write(opening);
            }
        }

        await events.FlushAsync(cancellationToken);
        while (!buffer.IsComplete)
        {
            await WaitAsync(cancellationToken);
            foreach (var part in buffer.Take())
            {
                Write(part);
            }

            await events.FlushAsync(cancellationToken);
        }

        if (job.IncludeUsage)
        {
            events.Write(job.Format.UsageFrame(_usage.Usage));
        }
    }

    private void Write(AnswerPart part)
    {
        _usage.Add(part);
        if (part.Text.Length > 0 || part.Tokens.Count > 0)
        {
            events.Write(job.Format.Part(part));
        }

        if (part.FinishReason is { } reason)
        {
            events.Write(job.Format.Ending(part.Choice, reason));
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        var news = buffer.WaitAsync(cancellationToken).AsTask();
        while (!news.IsCompleted)
        {
            try
            {
                await news.WaitAsync(keepAlive, timeProvider, cancellationToken);
            }
            catch (TimeoutException)
            {
                events.WritePing();
                await events.FlushAsync(cancellationToken);
            }
        }

        await news;
    }
}
