using System.Threading.Channels;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;

namespace Pipeline.Coordinator.Execution;

/// <summary>The sequences that somebody waits for, and how to tell them. Its owner holds a lock around every call.</summary>
internal sealed class SequenceFeeds
{
    private readonly Dictionary<SequenceId, Channel<SequenceUpdate>> _channels = [];
    private readonly Dictionary<SequenceId, TaskCompletionSource> _waiting = [];

    public IReadOnlyCollection<SequenceId> Ids => _channels.Keys;

    public SequenceFeed Add(SequenceId id)
    {
        var updates = Channel.CreateUnbounded<SequenceUpdate>(new UnboundedChannelOptions { SingleReader = true });
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _channels.Add(id, updates);
        _waiting.Add(id, started);
        return new SequenceFeed(id, updates.Reader, started.Task);
    }

    /// <summary>A sequence that is computed again, after a preemption or a loss, starts again, but it has waited only once.</summary>
    public void TellStarted(Microbatch microbatch)
    {
        if (_waiting.Count == 0)
        {
            return;
        }

        foreach (var slice in microbatch.Slices)
        {
            if (_waiting.Remove(slice.Sequence, out var started))
            {
                started.SetResult();
            }
        }
    }

    public void Deliver(IReadOnlyList<SequenceUpdate> updates)
    {
        foreach (var update in updates)
        {
            // One that is not there was cancelled in the meantime, and told so.
            if (_channels.TryGetValue(update.Sequence, out var channel))
            {
                channel.Writer.TryWrite(update);
                if (update.FinishReason is not null)
                {
                    End(update.Sequence, null);
                }
            }
        }
    }

    /// <param name="failure">Told after all updates; null ends the feed well.</param>
    public void End(SequenceId id, Exception? failure)
    {
        if (_channels.Remove(id, out var channel))
        {
            channel.Writer.TryComplete(failure);
        }

        _waiting.Remove(id);
    }

    public void EndAll(Func<Exception> failure)
    {
        foreach (var channel in _channels.Values)
        {
            channel.Writer.TryComplete(failure());
        }

        _channels.Clear();
        _waiting.Clear();
    }
}
