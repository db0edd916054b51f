using System.CommandLine;
using Pipeline.Coordinator.Stages;
using Pipeline.Coordinator.Stages.Discovery;
using Pipeline.Protos.Clients;

namespace Pipeline.Coordinator.Cli;

/// <summary>The options that say where running workers are; without any of them workers are launched on this host.</summary>
internal sealed class WorkerSearchOptions
{
    private readonly Option<string?> _workers = new("--workers")
    {
        Description = "Running stage workers in stage order instead of launching local ones",
        HelpName = "HOST:PORT,...",
    };

    private readonly Option<string?> _names = new("--workers-dns")
    {
        Description = $"Running stage workers by name, with --stages: a headless service (stage finds stage-0.stage, stage-1.stage, ...) or a pattern such as pipeline-0-{{stage+1}}.pipeline; port {WorkerNames.DefaultPort} unless given",
        HelpName = "NAME[:PORT]",
    };

    private readonly Option<int?> _timeout = new("--workers-timeout")
    {
        Description = "Wait this long at the start until all workers of --workers-dns are there (default: 60; serve: 1800)",
        HelpName = "SECONDS",
        CustomParser = Parsers.OptionalInteger(minimum: 1, maximum: 86_400),
    };

    /// <summary>Seconds, when the user does not say.</summary>
    public int UsualTimeout { get; init; } = 60;

    public void AddTo(Command command)
    {
        command.Add(_workers);
        command.Add(_names);
        command.Add(_timeout);
    }

    public bool IsLocal(ParseResult parsed) => parsed.GetValue(_workers) is null && !IsByName(parsed);

    /// <summary>How many stages there are if nobody says; null if somebody has to.</summary>
    public int? StagesOf(ParseResult parsed, int usual) => IsByName(parsed) ? null : Listed(parsed) is { Count: > 0 } workers ? workers.Count : usual;

    /// <summary>The settings with the workers of their stages; of a list that is longer, the first serve.</summary>
    public PipelineSettings Apply(ParseResult parsed, PipelineSettings settings)
    {
        var workers = Listed(parsed);
        if (!IsByName(parsed))
        {
            return parsed.GetValue(_timeout) is null
                ? settings with { Workers = [.. workers.Take(settings.StageCount)] }
                : throw new UserErrorException("--workers-timeout is for --workers-dns; how long each of --workers is tried is said by --connect-timeout");
        }

        return settings with
        {
            Workers = WorkerNames.Of(parsed.GetValue(_names)!, settings.StageCount),
            ResolvesWorkers = true,
            WorkersPatience = TimeSpan.FromSeconds(parsed.GetValue(_timeout) ?? UsualTimeout),
        };
    }

    /// <summary>The value of --workers; empty without.</summary>
    public IReadOnlyList<string> Listed(ParseResult parsed)
    {
        if (parsed.GetValue(_workers) is not { } text)
        {
            return [];
        }

        if (IsByName(parsed))
        {
            throw new UserErrorException("--workers and --workers-dns both say where the workers are; leave one out");
        }

        var addresses = text.Split(',', StringSplitOptions.TrimEntries).ToList();
        var invalid = addresses.Find(address => !StageChannels.IsValidAddress(address));
        return invalid is null ? addresses : throw new UserErrorException($"--workers wants host:port with commas between them, got '{invalid}'");
    }

    /// <summary>Commands that launch their own workers do not have the option.</summary>
    private bool IsByName(ParseResult parsed) => parsed.GetValue(_names) is not null;
}
