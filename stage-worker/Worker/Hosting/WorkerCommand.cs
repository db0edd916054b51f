using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Pipeline.Protos.Clients;
using Pipeline.Protos.Security;
using Pipeline.StageWorker.Diagnostics;

namespace Pipeline.StageWorker.Hosting;

/// <summary>
/// The command line of <c>stage-worker</c>. Exit codes: 0 stopped when asked to, 2 bad usage, 3 the address cannot be used; 128 and
/// the signal's number when it was asked to stop and a step or a device kept it from doing so for two seconds.
/// </summary>
public static class WorkerCommand
{
    private const int BadUsage = 2;
    private const int CannotListen = 3;

    public static async Task<int> RunAsync(string[] args)
    {
        var parsed = Create().Parse(args);
        return parsed.Errors.Count > 0 ? Fail(BadUsage, $"{parsed.Errors[0].Message} (see stage-worker --help)") : await parsed.InvokeAsync();
    }

    /// <summary>The options and what comes of them.</summary>
    public static RootCommand Create()
    {
        var listen = new Option<string>("--listen") { Description = "address to listen on, host:port; port 0 lets the system choose", HelpName = "HOST:PORT", DefaultValueFactory = _ => "127.0.0.1:0" };
        var tls = new Option<string?>("--tls") { Description = "folder with ca.crt, tls.crt and tls.key: TLS 1.3 with certificates on both sides; the stage is the one of the certificate", HelpName = "DIR" };
        var insecure = new Option<bool>("--insecure") { Description = "allow clear text with other hosts" };
        var health = new Option<string?>("--health-listen") { Description = "one more address, for probes: clear text, grpc.health.v1 and nothing else", HelpName = "HOST:PORT" };
        var device = new Option<string>("--device") { Description = "cpu, cuda or cuda:N", HelpName = "DEVICE", DefaultValueFactory = _ => "cpu" };
        var exitWithParent = new Option<bool>("--exit-with-parent") { Description = "stop when standard input ends" };
        var root = new RootCommand("Holds one shard of a model and computes it. A coordinator says which shard and sends the work.") { listen, tls, insecure, health, device, exitWithParent };
        root.SetAction((result, cancellationToken) => ServeAsync(
            new WorkerOptions
            {
                Listen = result.GetRequiredValue(listen),
                Tls = result.GetValue(tls),
                Insecure = result.GetValue(insecure),
                HealthListen = result.GetValue(health),
                Device = result.GetRequiredValue(device),
                ExitWithParent = result.GetValue(exitWithParent),
            },
            cancellationToken));
        return root;
    }

    private static async Task<int> ServeAsync(WorkerOptions options, CancellationToken cancellationToken)
    {
        try
        {
            IValidateOptions<WorkerOptions>[] validators = [new WorkerOptionsValidator(), new ClearTextValidator(), new OwnAddressesValidator()];
            if (validators.Select(validator => validator.Validate(null, options)).FirstOrDefault(validation => validation.Failed) is { } refusal)
            {
                return Fail(BadUsage, refusal.FailureMessage!);
            }

            if (options.ExitWithParent)
            {
                OwnSession.Begin();
            }

            await using var app = WorkerHost.Build(options);
            await app.StartAsync(cancellationToken);
            Announce(app, options);
            await app.WaitForShutdownAsync(cancellationToken);
            return 0;
        }
        catch (OptionsValidationException exception)
        {
            return Fail(BadUsage, exception.Message);
        }
        catch (CertificateException exception)
        {
            return Fail(BadUsage, $"--tls: {exception.Message}");
        }
        catch (IOException exception)
        {
            return Fail(CannotListen, $"cannot listen on {Addresses(options)}: {(exception.InnerException ?? exception).Message}; choose another port or stop the program that has it");
        }
        catch (System.Net.Sockets.SocketException exception)
        {
            return Fail(CannotListen, $"cannot listen on {Addresses(options)}: {exception.Message}");
        }
    }

    /// <summary>Addresses go to standard output, a line each, for whoever started the program.</summary>
    private static void Announce(WebApplication app, WorkerOptions options)
    {
        var address = WorkerHost.AddressOf(app);
        Log.Listening(app.Logger, address, options.Device);
        if (options.Insecure && !StageChannels.IsLoopback(address))
        {
            Log.ClearText(app.Logger, address);
        }

        Console.Out.WriteLine(JsonSerializer.Serialize(new { listening = address }));
        if (WorkerHost.HealthAddressOf(app) is { } health)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { health_listening = health }));
        }
    }

    private static string Addresses(WorkerOptions options) => options.HealthListen is { } health ? $"{options.Listen} and {health}" : options.Listen;

    private static int Fail(int code, string message)
    {
        Console.Error.WriteLine($"error: {message}");
        return code;
    }
}
