using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Pipeline.StageWorker.Diagnostics;

namespace Pipeline.StageWorker.Hosting;

/// <summary>The command line of <c>stage-worker</c>. Exit codes: 0 stopped when asked to, 2 bad usage, 3 the address cannot be used.</summary>
public static class WorkerCommand
{
    private const int BadUsage = 2;
    private const int CannotListen = 3;

    public static async Task<int> RunAsync(string[] args)
    {
        var listen = new Option<string>("--listen") { Description = "address to listen on, host:port; port 0 lets the system choose", DefaultValueFactory = _ => "127.0.0.1:0" };
        var device = new Option<string>("--device") { Description = "cpu or cuda:N", DefaultValueFactory = _ => "cpu" };
        var exitWithParent = new Option<bool>("--exit-with-parent") { Description = "stop when standard input ends" };
        var root = new RootCommand("Holds one shard of a model and computes it. A coordinator says which shard and sends the work.") { listen, device, exitWithParent };
        root.SetAction((result, cancellationToken) => ServeAsync(
            new WorkerOptions { Listen = result.GetRequiredValue(listen), Device = result.GetRequiredValue(device), ExitWithParent = result.GetValue(exitWithParent) }, cancellationToken));
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            return Fail(BadUsage, $"{parsed.Errors[0].Message} (see stage-worker --help)");
        }

        return await parsed.InvokeAsync();
    }

    private static async Task<int> ServeAsync(WorkerOptions options, CancellationToken cancellationToken)
    {
        try
        {
            var validation = new WorkerOptionsValidator().Validate(null, options);
            if (validation.Failed)
            {
                return Fail(BadUsage, validation.FailureMessage);
            }

            if (options.ExitWithParent)
            {
                OwnSession.Begin();
            }

            await using var app = WorkerHost.Build(options);
            await app.StartAsync(cancellationToken);
            var address = WorkerHost.AddressOf(app);
            Log.Listening(app.Logger, address, options.Device);
            Console.Out.WriteLine(JsonSerializer.Serialize(new { listening = address }));
            await app.WaitForShutdownAsync(cancellationToken);
            return 0;
        }
        catch (OptionsValidationException exception)
        {
            return Fail(BadUsage, exception.Message);
        }
        catch (IOException exception)
        {
            return Fail(CannotListen, $"cannot listen on {options.Listen}: {(exception.InnerException ?? exception).Message}; choose another port or stop the program that has it");
        }
        catch (System.Net.Sockets.SocketException exception)
        {
            return Fail(CannotListen, $"cannot listen on {options.Listen}: {exception.Message}");
        }
    }

    private static int Fail(int code, string message)
    {
        Console.Error.WriteLine($"error: {message}");
        return code;
    }
}
