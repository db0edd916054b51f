using System.CommandLine;
using Pipeline.Coordinator.Cli.Rendering;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Cli;

/// <summary>The options of every command that builds a pipeline, and the settings they amount to.</summary>
internal sealed class PipelineOptions
{
    private const int DefaultMaxSequences = 64;
    private const int MostSequences = 100_000;

    private static readonly Dictionary<string, LoadFormat> LoadFormats = new() { ["auto"] = LoadFormat.Auto, ["dummy"] = LoadFormat.Dummy };

    private readonly Option<string> _model = ModelArgument.Option();
    private readonly ShardingOptions _sharding = new("(default: as many as --workers names, otherwise 1)");
    private readonly WorkerSearchOptions _workers;

    private static readonly Dictionary<string, HopTransport> Transports = new() { ["auto"] = HopTransport.Auto, ["grpc"] = HopTransport.Grpc, ["ipc"] = HopTransport.Ipc };

    private readonly SecurityOptions _security = new();

    private readonly DeviceOptions _devices = new();
    private readonly Option<int?> _maxLength = CommonOptions.MaxModelLength();
    private readonly Option<int> _batchedTokens = CommonOptions.MaxBatchedTokens();
    private readonly Option<int> _blockSize = CommonOptions.BlockSize();

    private readonly Option<int?> _maxSequences = new("--max-num-seqs")
    {
        Description = $"Sequences that are worked on at the same time (default: as many as there are prompts, at most {DefaultMaxSequences})",
        HelpName = "N",
        CustomParser = Parsers.OptionalInteger(minimum: 1, MostSequences),
    };

    private readonly Option<int?> _microbatches = new("--microbatches", "-M")
    {
        Description = "Microbatches in flight (default: the fewest that keep every device busy; stages on one CPU or GPU share a device)",
        HelpName = "N",
        CustomParser = Parsers.OptionalInteger(minimum: 1, maximum: 1024),
    };

    private readonly Option<int?> _threads = new("--threads", "-t")
    {
        Description = "Threads of each worker (default: the cores, shared among the workers that compute at the same time)",
        HelpName = "N",
        CustomParser = Parsers.OptionalInteger(minimum: 1, maximum: 1024),
    };

    private readonly Option<LoadFormat?> _loadFormat = new("--load-format")
    {
        Description = "auto reads the checkpoint; dummy makes seeded random weights from the configuration alone",
        HelpName = "FORMAT",
        CustomParser = Parsers.Word(LoadFormats),
    };

    private readonly KernelOption _kernels = new();

    private readonly Option<int> _connectTimeout = new("--connect-timeout")
    {
        Description = "Keep trying to reach a worker for this long",
        HelpName = "SECONDS",
        CustomParser = Parsers.Integer(minimum: 1, maximum: 86_400),
        DefaultValueFactory = _ => 10,
    };

    private readonly Option<HopTransport?> _transport = new("--transport")
    {
        Description = "How steps travel between the processes: auto, grpc (the network) or ipc (memory that both share, on one host)",
        HelpName = "NAME",
        CustomParser = Parsers.Word(Transports),
    };

    private readonly Option<bool> _prefixCaching = new("--enable-prefix-caching")
    {
        Description = "Compute the beginning that prompts have in common once, and keep it while there is room",
        DefaultValueFactory = _ => true,
    };

    private readonly Option<bool> _noPrefixCaching = new("--no-enable-prefix-caching") { Description = "Compute every prompt from its first token" };

    private readonly Option<long?> _cacheMemory = new("--kv-cache-memory")
    {
        Description = "Memory of the KV cache on each stage (default: what the sequences can need)",
        HelpName = "SIZE",
        CustomParser = Parsers.Bytes,
    };

    private readonly Option<double> _gpuMemory = new("--gpu-memory-utilization")
    {
        Description = "Share of a GPU's memory for weights, workspace and KV cache together",
        HelpName = "SHARE",
        CustomParser = Parsers.Share,
        DefaultValueFactory = _ => 0.9,
    };

    public PipelineOptions()
        : this(new WorkerSearchOptions())
    {
    }

    public PipelineOptions(WorkerSearchOptions workers) => _workers = workers;

    /// <summary>Where weights come from.</summary>
    private enum LoadFormat
    {
        Auto,
        Dummy,
    }

    public void AddTo(Command command)
    {
        command.Add(_model);
        _sharding.AddTo(command);
        _workers.AddTo(command);
        _security.AddTo(command);
        AddPlanless(command);
        command.Add(_batchedTokens);
        command.Add(_prefixCaching);
        command.Add(_noPrefixCaching);
    }

    /// <summary>For commands that try several plans: all but what decides the plan and the size of a step.</summary>
    public void AddForManyPlansTo(Command command)
    {
        command.Add(_model);
        AddPlanless(command);
    }

    /// <summary>For a command that goes through several stage counts and has its own option for them.</summary>
    public void AddWithoutStagesTo(Command command)
    {
        command.Add(_model);
        _sharding.AddPartitionTo(command);
        _workers.AddTo(command);
        _security.AddTo(command);
        AddPlanless(command);
        command.Add(_batchedTokens);
    }

    public LocatedModel Model(ParseResult parsed) => ModelArgument.Locate(parsed.GetRequiredValue(_model));

    /// <summary>What the user asked for; null leaves it to the command.</summary>
    public int? Microbatches(ParseResult parsed) => parsed.GetValue(_microbatches);

    /// <summary>The longest sequence that the model, or the user, allows.</summary>
    public int LongestSequence(ParseResult parsed, ModelConfig config) => MaxModelLength(parsed, config, null);

    /// <param name="sequences">Sequences that the command will ask for; limits what is kept ready.</param>
    /// <param name="longest">Tokens of the longest of them, if the command knows; bounds the cache when the user does not.</param>
    public PipelineSettings Resolve(ParseResult parsed, LocatedModel model, int sequences, int? longest, int defaultStages, ulong seed)
    {
        var workers = _workers.Listed(parsed);
        var plan = _sharding.Plan(parsed, model.Config, _workers.StagesOf(parsed, defaultStages));
        if (workers.Count > 0 && workers.Count != plan.StageCount)
        {
            throw new UserErrorException($"--workers names {Quantity.Of(workers.Count, "worker")}, but the plan has {Quantity.Of(plan.StageCount, "stage")}");
        }

        return _security.Apply(parsed, _workers.Apply(parsed, Resolve(parsed, model, plan, sequences, longest, seed)));
    }

    /// <summary>The settings for one of several stage counts; of the --workers the first serve.</summary>
    public PipelineSettings ResolveAt(ParseResult parsed, LocatedModel model, int stages, int sequences, int? longest, ulong seed)
    {
        var workers = _workers.Listed(parsed);
        if (workers.Count > 0 && workers.Count < stages)
        {
            throw new UserErrorException($"--workers names {Quantity.Of(workers.Count, "worker")}, but --stages asks for {stages}");
        }

        var plan = _sharding.PlanAt(parsed, model.Config, stages);
        return _security.Apply(parsed, _workers.Apply(parsed, Resolve(parsed, model, plan, sequences, longest, seed)));
    }

    /// <summary>The settings for a given plan; commands that try several plans use this.</summary>
    public PipelineSettings Resolve(ParseResult parsed, LocatedModel model, ShardPlan plan, int sequences, int? longest, ulong seed)
    {
        var dummy = parsed.GetValue(_loadFormat) is LoadFormat.Dummy;
        if (!dummy && model.Folder is null)
        {
            throw new UserErrorException($"{model.Config.Name} is a built-in shape without weights: name a folder with --model, or ask for random weights with --load-format dummy");
        }

        var isLocal = _workers.IsLocal(parsed);
        var devices = Devices(parsed, plan.StageCount);
        var type = _devices.TypeOn(parsed, devices, model, dummy);
        var followsWorkers = !isLocal && _devices.AskedType(parsed) is null;
        var maxLength = MaxModelLength(parsed, model.Config, longest);
        var batchedTokens = BatchedTokens(parsed);
        var maxSequences = parsed.GetValue(_maxSequences) ?? Math.Clamp(sequences, 1, DefaultMaxSequences);
        return new PipelineSettings
        {
            Model = model.Config,
            ModelDirectory = dummy ? "" : model.Folder!,
            DummyWeights = dummy,
            DummySeed = seed,
            Plan = plan,
            Devices = devices,
            ComputeType = type,
            TypeFollowsWorkers = followsWorkers,
            Threads = parsed.GetValue(_threads) ?? 0,
            Kernels = _kernels.Resolve(parsed, followsWorkers ? null : type, isLocal ? devices : []),
            Microbatches = Microbatches(parsed)
                ?? MicrobatchCount.Choose(DeviceCount(parsed, devices), Math.Min(sequences, maxSequences), ChunksOf(longest ?? 1, batchedTokens)),
            MaxSequences = maxSequences,
            MaxBatchedTokens = Math.Min(batchedTokens, maxLength * maxSequences),
            MaxModelLength = maxLength,
            BlockSize = parsed.GetValue(_blockSize),
            PrefixCaching = PrefixCaching(parsed),
            CacheBytesPerStage = parsed.GetValue(_cacheMemory),
            GpuMemoryUtilization = parsed.GetValue(_gpuMemory),
            Transport = parsed.GetValue(_transport) ?? HopTransport.Auto,
            ConnectPatience = TimeSpan.FromSeconds(parsed.GetValue(_connectTimeout)),
        };
    }

    private static int ChunksOf(int tokens, int chunk) => (tokens + chunk - 1) / chunk;

    private void AddPlanless(Command command)
    {
        _devices.AddTo(command);
        _kernels.AddTo(command);
        foreach (var option in new Option[] { _maxLength, _blockSize, _maxSequences, _microbatches, _threads, _loadFormat, _cacheMemory, _gpuMemory, _transport, _connectTimeout })
        {
            command.Add(option);
        }
    }

    /// <summary>A command that sets the size of a step itself does not have this option.</summary>
    private int BatchedTokens(ParseResult parsed) =>
        parsed.GetResult(_batchedTokens) is null ? CommonOptions.DefaultBatchedTokens : parsed.GetValue(_batchedTokens);

    /// <summary>Commands that measure or compare computation do not have the option, for they want everything computed.</summary>
    private bool PrefixCaching(ParseResult parsed)
    {
        if (parsed.GetResult(_prefixCaching) is not { } asked)
        {
            return false;
        }

        var (isOn, isOff) = (parsed.GetValue(_prefixCaching), parsed.GetValue(_noPrefixCaching));
        return isOn && isOff && !asked.Implicit
            ? throw new UserErrorException("--enable-prefix-caching and --no-enable-prefix-caching contradict each other; leave one out")
            : isOn && !isOff;
    }

    private int MaxModelLength(ParseResult parsed, ModelConfig config, int? longest)
    {
        var asked = parsed.GetValue(_maxLength);
        if (asked > config.MaxPositions)
        {
            throw new UserErrorException($"--max-model-len {asked} is more than the {config.MaxPositions} positions that {config.Name} was made for");
        }

        return asked ?? Math.Min(longest ?? config.MaxPositions, config.MaxPositions);
    }

    /// <summary>Running workers have chosen theirs.</summary>
    private IReadOnlyList<string> Devices(ParseResult parsed, int stages) => _workers.IsLocal(parsed) || !_devices.IsGiven(parsed)
        ? _devices.Devices(parsed, stages)
        : throw new UserErrorException("--device is for stages launched here; running workers compute on the device that their own --device named");

    /// <summary>
    /// Devices that compute at the same time. Stages that share one gain nothing from a second microbatch: each reads the
    /// weights once more, and the device is busy either way.
    /// </summary>
    private int DeviceCount(ParseResult parsed, IReadOnlyList<string> devices) => _workers.IsLocal(parsed) ? devices.Distinct().Count() : devices.Count;
}
