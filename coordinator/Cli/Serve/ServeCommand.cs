using System.CommandLine;
using Pipeline.Coordinator.Cli.Run;
using Pipeline.Coordinator.Serving;
using Pipeline.Coordinator.Stages;
using Pipeline.Coordinator.Tokenization;

namespace Pipeline.Coordinator.Cli.Serve;

/// <summary><c>coordinator serve</c>: a pipeline behind an HTTP interface that OpenAI's clients speak.</summary>
internal static class ServeCommand
{
    private const int DefaultStages = 1;
    private const int Sequences = 64;

    // Pods are scheduled, and their images pulled, in any order.
    private const int WorkersTimeout = 1800;


    // The gate in front counts what clients ask for. The scheduler keeps the same bound, with a place for the token that the
    // server itself sends through an idle pipeline: what the gate lets in, the scheduler never refuses.
    private const int Canaries = 1;

    public static Command Create(Terminal terminal)
    {
        var pipeline = new PipelineOptions(new WorkerSearchOptions { UsualTimeout = WorkersTimeout });
        var flags = new ServerFlags();
        var https = new HttpsOptions();
        var format = ChatOptions.FormatOption();
        var command = new DocumentedCommand("serve", "Serve a model over HTTP, as OpenAI's clients expect it.")
        {
            Notes =
            [
                "The server listens at once and answers 503 until the model is loaded. Ctrl-C or SIGTERM lets running requests finish;",
                "a second one ends at once. A stage that is lost is brought back while requests wait, see --recovery-timeout. GET /health tells whether it is ready, GET /metrics is for Prometheus.",
            ],
            Examples =
            [
                "coordinator serve --stages 4",
                "coordinator serve --model /models/Mistral-7B-Instruct-v0.3 --stages 2 --device cuda --served-model-name mistral --port 8000",
                "coordinator serve --workers-dns stage --stages 4 --tls certs/coordinator --model /models/Mistral-7B-Instruct-v0.3",
                "coordinator serve --workers gpu0:50051,gpu1:50051 --tls certs/coordinator --model /models/Mixtral-8x7B --host 0.0.0.0 --ssl-keyfile api.key --ssl-certfile api.crt --api-key-file keys.txt",
            ],
        };
        pipeline.AddTo(command);
        command.Add(format);
        flags.AddTo(command);
        https.AddTo(command);
        command.Runs(async (parsed, cancellationToken) =>
        {
            await new ServeSession(terminal, TimeProvider.System).RunAsync(Plan(parsed), cancellationToken);
            return ExitCode.Success;
        });
        return command;

        ServePlan Plan(ParseResult parsed)
        {
            var located = pipeline.Model(parsed);
            var tokenizer = RunPlan.TokenizerOf(located, isNeeded: true);
            var settings = pipeline.Resolve(parsed, located, Sequences, longest: null, DefaultStages, seed: 0);
            // What the launch refuses should not be said by a server that listens already.
            WorkerSecurity.Open(settings, TimeProvider.System, tell: _ => { });
            var server = flags.Resolve(parsed, settings.MaxSequences, Environment.GetEnvironmentVariable) with { Certificate = https.Resolve(parsed, TimeProvider.System, terminal.Error.WriteLine) };
            var model = new ServedModel
            {
                Names = flags.Names(parsed, located),
                Config = located.Config,
                MaxModelLength = settings.MaxModelLength,
                Tokenizer = tokenizer,
                ChatTemplate = tokenizer is null ? null : Template(tokenizer, located.Folder ?? "", parsed.GetValue(format)),
            };
            return new ServePlan(located, model, settings with { MaxWaiting = server.MaxQueue + Canaries, RecoveryPatience = server.RecoveryTimeout, StepPatience = server.StepTimeout }, server, ServerFlags.AddressOf(server));
        }
    }

    /// <summary>A model that nobody can chat with is still good for completions, unless a format was asked for.</summary>
    private static InstructTemplate? Template(SentencePieceTokenizer tokenizer, string folder, ChatFormat? asked)
    {
        try
        {
            return new InstructTemplate(tokenizer, asked ?? ChatFormatDetection.Detect(tokenizer, folder));
        }
        catch (TokenizerException) when (asked is null)
        {
            return null;
        }
    }
}
