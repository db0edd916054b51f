using System.Globalization;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>A scheduler, the requests it will get and the order in which things happen to it.</summary>
internal sealed record Scenario(SchedulerOptions Options, KvCacheSpec Cache, SequenceRequest[] Requests, int[] Events)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Options}, block size {Cache.BlockSize}, {string.Join(" ", Cache.Groups)}, events [{string.Join(",", Events)}]\n{string.Join("\n", Requests.Select(Describe))}");

    private static string Describe(SequenceRequest request) =>
        $"  prompt [{string.Join(",", request.Prompt)}] max {request.MaxTokens} stop [{string.Join(",", request.Sampling.StopTokenIds)}] eos [{string.Join(",", request.EosTokenIds)}] "
        + $"ignored {request.IgnoreEos} min {request.Sampling.MinTokens} priority {request.Priority} logprobs {request.PromptLogprobs} raw {request.RawLogits}";
}
