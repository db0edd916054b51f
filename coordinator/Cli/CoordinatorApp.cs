using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Microsoft.Extensions.Options;
using Pipeline.Coordinator.Cli.Bench;
using Pipeline.Coordinator.Cli.Certs;
using Pipeline.Coordinator.Cli.Explain;
using Pipeline.Coordinator.Cli.Run;
using Pipeline.Coordinator.Cli.Serve;
using Pipeline.Coordinator.Cli.Top;
using Pipeline.Coordinator.Cli.Verify;
using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Tokenization;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Cli;

/// <summary>The command line: all commands under one root, and the one place where failures become messages and exit codes.</summary>
internal sealed class CoordinatorApp
{
    private readonly Terminal _terminal;
    private readonly RootCommand _root;

    public CoordinatorApp(Terminal terminal)
    {
        _terminal = terminal;
        _root = new RootCommand("Runs Mistral and Mixtral models as a pipeline of stages, one shard of layers each.")
        {
            RunCommand.Create(terminal),
            ServeCommand.Create(terminal),
            TopCommand.Create(terminal),
            VerifyCommand.Create(terminal),
            TokenizeCommand.Create(terminal),
            BenchCommand.Create(terminal),
            PlanCommand.Create(terminal),
            CertsCommand.Create(terminal, TimeProvider.System),
            ExplainCommand.Create(terminal),
        };
        foreach (var option in _root.Options)
        {
            option.Action = option switch
            {
                HelpOption { Action: HelpAction usual } => new HelpWithExamples(WithWidth(usual)),
                VersionOption => new PrintVersion(),
                _ => option.Action,
            };
        }
    }

    /// <summary>Every command of the app, root first.</summary>
    public Command Root => _root;

    public async Task<ExitCode> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        try
        {
            var parsed = _root.Parse(arguments);
            return parsed.Action is ParseErrorAction
                ? RefuseUsage(parsed)
                : (ExitCode)await parsed.InvokeAsync(Invocation(), cancellationToken);
        }
        // Ctrl-C at a terminal reaches the workers too: what they say while they stop is not the cause.
        catch (Exception exception) when (cancellationToken.IsCancellationRequested && exception is OperationCanceledException or StageException)
        {
            return Fail(ExitCode.Interrupted, "interrupted");
        }
        catch (Exception exception) when (exception is UserErrorException or ModelConfigException or TokenizerException or ChatRequestException or RequestRejectedException)
        {
            return Fail(ExitCode.BadInput, exception.Message);
        }
        catch (OptionsValidationException exception)
        {
            return Fail(ExitCode.BadInput, $"these settings make no pipeline: {string.Join("; ", exception.Failures)}");
        }
        catch (StageException exception)
        {
            var where = exception.StageIndex is { } stage ? $"stage {stage}: " : "";
            return Fail(ExitCode.StageFailed, $"{where}{exception.Message} ({exception.Error})");
        }
        catch (OutputException exception)
        {
            return exception.HasNoReader ? ExitCode.OutputClosed : Fail(ExitCode.Failure, exception.Message);
        }
#pragma warning disable CA1031 // the outermost frame: whatever is left becomes one line instead of a crash
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return FailUnexpectedly(exception);
        }
    }

    private ExitCode RefuseUsage(ParseResult parsed)
    {
        Fail(ExitCode.BadInput, UsageErrors.Describe(parsed));
        _terminal.Error.WriteLine($"see '{UsageErrors.CommandPath(parsed)} --help'");
        return ExitCode.BadInput;
    }

    private ExitCode FailUnexpectedly(Exception exception)
    {
        Fail(ExitCode.Failure, $"unexpected {exception.GetType().Name}: {exception.Message}");
        _terminal.Error.WriteLine(_terminal.ShowsStackTraces ? exception.ToString() : "PIPELINE_DEBUG=1 shows where it happened");
        return ExitCode.Failure;
    }

    private ExitCode Fail(ExitCode code, string message)
    {
        _terminal.Error.WriteLine($"error: {message.ReplaceLineEndings(" ")}");
        return code;
    }

    // Signals and exceptions are handled here and in Interruption, once for all commands.
    private InvocationConfiguration Invocation() => new()
    {
        Output = _terminal.Output,
        Error = _terminal.Error,
        EnableDefaultExceptionHandler = false,
        ProcessTerminationTimeout = null,
    };

    private HelpAction WithWidth(HelpAction help)
    {
        help.MaxWidth = _terminal.Width;
        return help;
    }
}
