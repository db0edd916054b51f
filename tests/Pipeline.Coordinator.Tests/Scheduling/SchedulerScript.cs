using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>
/// Runs the commands of a script against a scheduler and says in words what it did.
/// <code>
/// open sequences=8 tokens=16 microbatches=2 length=64 block=4 [waiting=N] [prefixes] group=WINDOW,RING,BLOCKS ...   window may be "none"
/// add prompt=LENGTH [own=LENGTH] [max=N] [stop=TOKEN] [priority=N] [logprobs] [raw]      all prompts begin alike, but for their last own tokens
/// schedule [N]                   the next N microbatches; without a number as many as there are
/// complete [N] [seqK=TOKEN ...]  results of the N oldest steps (without a number: one); whoever is not named draws token 7
/// cancel K
/// restart EPOCH
/// state
/// prefixes
/// </code>
/// </summary>
internal sealed class SchedulerScript
{
    private const int OrdinaryToken = 7;
    private readonly Queue<Microbatch> _pipe = new();
    private Scheduler? _scheduler;
    private int _prompts;

    private Scheduler Scheduler => _scheduler ?? throw new FormatException("a script begins with open");

    public IEnumerable<string> Run(string command)
    {
        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var arguments = new ScriptArguments(words.Skip(1));
        return words[0] switch
        {
            "open" => Open(arguments),
            "add" => Add(arguments),
            "schedule" => Schedule(words.Length > 1 ? ScriptArguments.Number(words[1]) : int.MaxValue),
            "complete" => Complete(arguments),
            "cancel" => Cancel(new SequenceId(ScriptArguments.Number(words[1]))),
            "restart" => Restart(ScriptArguments.Number(words[1])),
            "state" => State(),
            "prefixes" => Prefixes(),
            _ => throw new FormatException($"unknown command '{words[0]}'"),
        };
    }

    private string[] Open(ScriptArguments arguments)
    {
        var options = new SchedulerOptions
        {
            Epoch = new PlanEpoch(1),
            MaxSequences = arguments.Int("sequences"),
            MaxBatchedTokens = arguments.Int("tokens"),
            Microbatches = arguments.Int("microbatches"),
            MaxModelLength = arguments.Int("length"),
            MaxWaiting = arguments.OptionalInt("waiting"),
            PrefixCaching = arguments.Has("prefixes"),
        };
        _scheduler = new Scheduler(options, new KvCacheSpec(arguments.Int("block"), [.. arguments.All("group").Select(Group)]));
        return ["ok"];
    }

    private static KvCacheGroup Group(string text)
    {
        var parts = text.Split(',');
        return new KvCacheGroup(
            parts[0] == "none" ? null : ScriptArguments.Number(parts[0]), ScriptArguments.Number(parts[1]), ScriptArguments.Number(parts[2]));
    }

    private string[] Add(ScriptArguments arguments)
    {
        var own = arguments.OptionalInt("own") ?? 0;
        var request = new SequenceRequest
        {
            Prompt = [.. Enumerable.Range(100, arguments.Int("prompt") - own), .. Enumerable.Range(1000 * ++_prompts, own)],
            MaxTokens = arguments.OptionalInt("max"),
            EosTokenIds = [.. arguments.All("stop").Select(ScriptArguments.Number)],
            Priority = arguments.OptionalInt("priority") ?? 0,
            PromptLogprobs = arguments.Has("logprobs"),
            RawLogits = arguments.Has("raw"),
        };
        try
        {
            return [$"{Scheduler.Add(request)}"];
        }
        catch (RequestRejectedException exception)
        {
            return [$"rejected, {exception.Reason}: {exception.Message}"];
        }
    }

    private IEnumerable<string> Schedule(int count)
    {
        for (var index = 0; index < count; index++)
        {
            if (Scheduler.TrySchedule() is not { } microbatch)
            {
                return index == 0 ? ["nothing"] : _pipe.TakeLast(index).SelectMany(ScriptText.Of);
            }

            _pipe.Enqueue(microbatch);
        }

        return _pipe.TakeLast(count).SelectMany(ScriptText.Of);
    }

    private List<string> Complete(ScriptArguments arguments)
    {
        var count = arguments.Pairs.Where(pair => pair.Value.Length == 0).Select(pair => ScriptArguments.Number(pair.Key)).FirstOrDefault(1);
        var lines = new List<string>();
        for (var index = 0; index < count; index++)
        {
            var microbatch = _pipe.Dequeue();
            var slices = microbatch.Slices.Select(slice => Answer(slice, arguments.OptionalInt($"{slice.Sequence}") ?? OrdinaryToken)).ToArray();
            var updates = Scheduler.Complete(new MicrobatchResult(microbatch.Epoch, microbatch.Step, microbatch.Id, slices));
            lines.Add($"step {microbatch.Step} is back{(updates.Count == 0 ? ", nothing new" : "")}");
            lines.AddRange(updates.Select(ScriptText.Of));
        }

        return lines;
    }

    private static SliceResult Answer(SequenceSlice slice, int token)
    {
        var rows = slice.Tokens.Length;
        return new SliceResult
        {
            Sequence = slice.Sequence,
            Sampled = slice.Logits.HasFlag(LogitsRequest.Sample) ? new SampledToken(token, null, []) : null,
            PromptLogprobs = slice.Logits.HasFlag(LogitsRequest.ScorePrompt) ? new float[rows - (slice.NextToken is null ? 1 : 0)] : null,
            Logits = slice.Logits.HasFlag(LogitsRequest.Raw) ? new float[rows * 10] : null,
        };
    }

    private string[] Cancel(SequenceId id) => [Scheduler.Cancel(id) is { } update ? ScriptText.Of(update).Trim() : "unknown or ended"];

    private string[] Restart(int epoch)
    {
        Scheduler.Restart(new PlanEpoch(epoch));
        _pipe.Clear();
        return ["ok"];
    }

    private string[] Prefixes()
    {
        var (queried, hit, evicted) = Scheduler.Counters.Prefixes;
        return [$"{hit} of {queried} tokens were there, {evicted} blocks made room"];
    }

    private string[] State()
    {
        var counters = Scheduler.Counters;
        return
        [
            $"running {counters.Running}, waiting {counters.Waiting}, in flight {counters.InFlight}, free blocks {counters.FreeBlocks}, "
            + $"preemptions {counters.Preemptions}, {(Scheduler.HasWork ? "has work" : "no work")}",
        ];
    }
}
