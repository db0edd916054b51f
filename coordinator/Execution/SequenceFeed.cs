using System.Threading.Channels;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;

namespace Pipeline.Coordinator.Execution;

/// <summary>One sequence as its consumer sees it: updates as they come, ended by the one with a finish reason or by a failure.</summary>
/// <param name="Started">Done when the first of its tokens enters the pipe; waiting is over then. Never, if it ends before.</param>
public sealed record SequenceFeed(SequenceId Id, ChannelReader<SequenceUpdate> Updates, Task Started);
