using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Pipeline.Coordinator.Cli.Run;
using Pipeline.Coordinator.Hosting;
using Pipeline.Coordinator.Serving;
using Pipeline.Coordinator.Serving.Health;
using Pipeline.Coordinator.Serving.Hosting;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Cli.Serve;

/// <summary>One life of the server: listen, load, serve until told to stop, let running requests finish, take all apart.</summary>
internal sealed class ServeSession(Terminal terminal, TimeProvider timeProvider)
{
    private static readonly TimeSpan ReportPatience = TimeSpan.FromSeconds(1);

    /// <summary>Returns when the server has ended; to be told to stop is how a server ends well.</summary>
    public async Task RunAsync(ServePlan plan, CancellationToken cancellationToken)
    {
        foreach (var note in plan.Located.Notes)
        {
            terminal.Error.WriteLine($"note: {note}");
        }

        await using var server = HttpServer.Build(plan.Server, plan.Model, plan.Address, services => AddPipeline(services, plan));
        try
        {
            await server.StartAsync(cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await DrainAsync(server, plan.Server);
        }
        catch (Exception exception) when (exception is IOException or SocketException && server.Availability.Pipeline is null)
        {
            throw new UserErrorException($"cannot listen on {plan.Server.Host}:{plan.Server.Port}: {exception.Message}");
        }
    }

    private async Task DrainAsync(HttpServer server, ServerOptions options)
    {
        var patience = options.ShutdownTimeout;
        server.Availability.Drain(patience);
        var active = server.Gate.Active;
        if (active > 0)
        {
            terminal.Error.WriteLine($"shutting down: waiting up to {patience.TotalSeconds:0} s for {active} running answer{(active == 1 ? "" : "s")}; a second signal ends at once");
        }

        if (!await server.Gate.WaitUntilEmptyAsync(patience, timeProvider))
        {
            terminal.Error.WriteLine($"shutting down: {server.Gate.Active} answer(s) were not complete in time and are cut off");
            server.End.Come();
        }

        // Stages gather their reports for a moment, and the traces of the last answers are made of them.
        if (options.OtlpEndpoint is not null && server.Availability.Pipeline is { } pipeline)
        {
            await pipeline.Steps.WaitForAsync(pipeline.Loop.CompletedSteps, pipeline.Stages.Count, ReportPatience);
        }

        terminal.Error.WriteLine("shutting down: stopping the workers");
    }

    private void AddPipeline(IServiceCollection services, ServePlan plan)
    {
        var progress = new LoadProgress(new LaunchDisplay(terminal, timeProvider));
        services.AddSingleton(timeProvider).AddSingleton(progress).AddSingleton<ILaunchObserver>(progress);
        services.AddSingleton<Action<Uri>>(address => terminal.Error.WriteLine($"listening on {address.GetLeftPart(UriPartial.Authority)}; loading {plan.Model.Names[0]}"));
        services.AddSingleton<Action<RunningPipeline>>(pipeline =>
        {
            StageTable.WriteStart(terminal, pipeline);
            terminal.Error.WriteLine("ready");
        });
        services.AddHostedService<ListeningAddress>();
        services.AddPipeline(plan.Settings);
        services.AddHostedService<PipelineOpening>();
    }
}
