using Microsoft.Extensions.Options;
using Pipeline.Coordinator.Stages;
using Pipeline.Protos.Clients;

namespace Pipeline.Coordinator.Hosting;

/// <summary>
/// Checks settings before the first process starts, whoever made them. The command line says the same earlier and by the names
/// of its flags.
/// </summary>
internal sealed class PipelineSettingsValidator : IValidateOptions<PipelineSettings>
{
    public ValidateOptionsResult Validate(string? name, PipelineSettings options)
    {
        var problems = Problems(options).ToList();
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static IEnumerable<string> Problems(PipelineSettings settings)
    {
        (string Name, int Value, int Least)[] counts =
        [
            ("microbatches", settings.Microbatches, 1), ("sequences", settings.MaxSequences, 1), ("tokens in a step", settings.MaxBatchedTokens, 1),
            ("tokens in a sequence", settings.MaxModelLength, 1), ("waiting requests", settings.MaxWaiting ?? 0, 0), ("tokens in a cache block", settings.BlockSize, 1), ("threads", settings.Threads, 0),
        ];
        foreach (var (what, value, least) in counts.Where(count => count.Value < count.Least))
        {
            yield return $"{value} {what}; at least {least} are needed";
        }

        if (settings.MaxModelLength > settings.Model.MaxPositions)
        {
            yield return $"sequences of {settings.MaxModelLength} tokens; {settings.Model.Name} was made for {settings.Model.MaxPositions} positions";
        }

        if (settings.Plan.Shards[^1].Layers.End != settings.Model.LayerCount)
        {
            yield return $"a plan for {settings.Plan.Shards[^1].Layers.End} layers; {settings.Model.Name} has {settings.Model.LayerCount}";
        }

        if (settings.Workers.Count > 0 && settings.Workers.Count != settings.StageCount)
        {
            yield return $"{settings.Workers.Count} workers for {settings.StageCount} stages";
        }

        foreach (var address in settings.Workers.Where(address => !StageChannels.IsValidAddress(address)))
        {
            yield return $"worker '{address}'; host:port is wanted";
        }

        if (!settings.DummyWeights && settings.ModelDirectory.Length == 0)
        {
            yield return "neither a model folder nor dummy weights";
        }

        if (settings.GpuMemoryUtilization is not (> 0 and <= 1))
        {
            yield return $"{settings.GpuMemoryUtilization} of a GPU's memory; more than 0 and at most 1 is wanted";
        }

        if (settings.ConnectPatience <= TimeSpan.Zero || settings.CacheBytesPerStage is <= 0)
        {
            yield return $"connect patience {settings.ConnectPatience} and cache memory {settings.CacheBytesPerStage?.ToString() ?? "as needed"}; both must be more than nothing";
        }
    }
}
