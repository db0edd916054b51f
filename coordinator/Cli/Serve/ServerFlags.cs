using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Pipeline.Coordinator.Cli.Rendering;
using Pipeline.Coordinator.Serving;

namespace Pipeline.Coordinator.Cli.Serve;

/// <summary>The options of <c>serve</c> that are about clients, not about the pipeline.</summary>
internal sealed class ServerFlags
{
    private const string KeyVariable = "PIPELINE_API_KEY";
    private const int Day = 86_400;
    private static readonly ServerOptions Defaults = new() { MaxSequences = 1 };

    private readonly Option<string> _host = new("--host") { Description = "Address to listen on; 0.0.0.0 is reachable from other machines", HelpName = "ADDRESS", DefaultValueFactory = _ => Defaults.Host };
    private readonly Option<int> _port = Integer("--port", "Port to listen on; 0 lets the system choose", "PORT", 0, 65_535, Defaults.Port);
    private readonly Option<string[]> _names = new("--served-model-name") { Description = "Name that requests call the model by; repeatable, the first one is told in answers (default: the model's own)", HelpName = "NAME", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string[]> _keys = new("--api-key") { Description = $"Key that clients must show; repeatable. The variable {KeyVariable} adds one", HelpName = "KEY", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string?> _keyFile = new("--api-key-file") { Description = "File with one more key on each line; lines that begin with # are comments", HelpName = "FILE" };
    private readonly Option<int?> _perKey = new("--max-concurrent-per-key") { Description = "Requests of one key at the same time (default: no limit)", HelpName = "N", CustomParser = Parsers.OptionalInteger(1, 1_000_000) };
    private readonly Option<long?> _requestBytes = new("--max-request-bytes") { Description = $"Largest body of a request (default: {ByteSize.Format(Defaults.MaxRequestBytes)})", HelpName = "SIZE", CustomParser = Parsers.Bytes };
    private readonly Option<int> _queue = Integer("--max-queue", "Answers that may wait beside those that are being made; more are told to come back later", "N", 0, 1_000_000, Defaults.MaxQueue);
    private readonly Option<int?> _requestTimeout = new("--request-timeout") { Description = "Longest time for one request (default: no limit)", HelpName = "SECONDS", CustomParser = Parsers.OptionalInteger(1, Day) };
    private readonly Option<int> _shutdown = Seconds("--shutdown-timeout", "At the end, wait this long for running requests", 0, Defaults.ShutdownTimeout);
    private readonly Option<int> _ready = Seconds("--ready-timeout", "Not ready when a stage has not advanced for this long; the pipeline is tried when nobody uses it", 1, Defaults.ReadyTimeout);
    private readonly Option<int> _recovery = Seconds("--recovery-timeout", "When a stage is lost, running and new requests wait this long for it and then fail with 503; the server goes on bringing it back", 0, Defaults.RecoveryTimeout);
    private readonly Option<int> _step = Seconds("--step-timeout", "A stage that has one step for longer hangs, and is brought back like one that is lost; 0 waits as long as it takes", 0, Defaults.StepTimeout!.Value);
    private readonly Option<Uri?> _otlp = new("--otlp-endpoint") { Description = "Collector to send traces to, by OTLP over HTTP, such as http://localhost:4318 (default: no traces)", HelpName = "URL", CustomParser = Parsers.HttpAddress };
    private readonly Option<double> _sampleRatio = new("--trace-sample-ratio") { Description = "Share of the requests that are traced; a client's own traceparent decides for its request", HelpName = "SHARE", CustomParser = Parsers.Share, DefaultValueFactory = _ => Defaults.TraceSampleRatio };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _host, _port, _names, _keys, _keyFile, _perKey, _requestBytes, _queue, _requestTimeout, _shutdown, _ready, _recovery, _step, _otlp, _sampleRatio })
        {
            command.Add(option);
        }
    }

    public IReadOnlyList<string> Names(ParseResult parsed, LocatedModel model)
    {
        var names = parsed.GetValue(_names) is { Length: > 0 } given ? given : [model.Config.Name];
        return names.Any(string.IsNullOrWhiteSpace)
            ? throw new UserErrorException("--served-model-name wants a name, got an empty one; leave it out to serve under the model's own")
            : names;
    }

    /// <param name="variable">Reads a variable of the environment.</param>
    public ServerOptions Resolve(ParseResult parsed, int maxSequences, Func<string, string?> variable) => Defaults with
    {
        Host = parsed.GetRequiredValue(_host),
        Port = parsed.GetValue(_port),
        ApiKeys = [.. Keys(parsed, variable(KeyVariable))],
        MaxConcurrentPerKey = parsed.GetValue(_perKey),
        MaxRequestBytes = parsed.GetValue(_requestBytes) ?? Defaults.MaxRequestBytes,
        MaxSequences = maxSequences,
        MaxQueue = parsed.GetValue(_queue),
        RequestTimeout = parsed.GetValue(_requestTimeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        ShutdownTimeout = TimeSpan.FromSeconds(parsed.GetValue(_shutdown)),
        ReadyTimeout = TimeSpan.FromSeconds(parsed.GetValue(_ready)),
        RecoveryTimeout = TimeSpan.FromSeconds(parsed.GetValue(_recovery)),
        StepTimeout = parsed.GetValue(_step) is > 0 and var step ? TimeSpan.FromSeconds(step) : null,
        OtlpEndpoint = parsed.GetValue(_otlp),
        TraceSampleRatio = parsed.GetValue(_sampleRatio),
    };

    public static IPAddress AddressOf(ServerOptions options)
    {
        // To the resolver an empty name is this machine, by an address that nobody chose.
        if (string.IsNullOrWhiteSpace(options.Host))
        {
            throw new UserErrorException($"--host wants an address of this machine, got '{options.Host}'; leave it out to listen on {Defaults.Host}");
        }

        try
        {
            return IPAddress.TryParse(options.Host, out var address) ? address : Dns.GetHostAddresses(options.Host)[0];
        }
        catch (SocketException exception)
        {
            throw new UserErrorException($"--host wants an address of this machine, got '{options.Host}': {exception.Message}");
        }
    }

    private IEnumerable<string> Keys(ParseResult parsed, string? ofEnvironment)
    {
        var keys = (parsed.GetValue(_keys) ?? []).ToList();
        if (parsed.GetValue(_keyFile) is { } file)
        {
            keys.AddRange(FromFile(file));
        }

        if (!string.IsNullOrWhiteSpace(ofEnvironment))
        {
            keys.Add(ofEnvironment);
        }

        return keys.Exists(string.IsNullOrWhiteSpace)
            ? throw new UserErrorException("--api-key wants a key, got an empty one")
            : keys.Select(key => key.Trim()).Distinct();
    }

    /// <summary>An empty file would open the server to everybody, which nobody who names a file wants.</summary>
    private static List<string> FromFile(string file)
    {
        try
        {
            var keys = File.ReadLines(file).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#').ToList();
            return keys.Count > 0 ? keys : throw new UserErrorException($"{file} has no keys: one is wanted on each line");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"cannot read the key file {file}: {exception.Message}");
        }
    }

    private static Option<int> Integer(string name, string description, string helpName, int minimum, int maximum, int usual) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = Parsers.Integer(minimum, maximum),
        DefaultValueFactory = _ => usual,
    };

    private static Option<int> Seconds(string name, string description, int minimum, TimeSpan usual) => Integer(name, description, "SECONDS", minimum, Day, (int)usual.TotalSeconds);
}
