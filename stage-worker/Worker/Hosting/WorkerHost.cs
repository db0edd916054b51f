using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Pipeline.Protos.Clients;
using Pipeline.StageWorker.Execution;
using Pipeline.StageWorker.Loading;
using Pipeline.StageWorker.Security;
using Pipeline.StageWorker.Services;
using Pipeline.StageWorker.Sessions;

namespace Pipeline.StageWorker.Hosting;

/// <summary>Puts the worker together.</summary>
public static class WorkerHost
{
    private static readonly TimeSpan HealthRound = TimeSpan.FromSeconds(1);

    /// <summary>The longest that the end takes after it was asked for.</summary>
    internal static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(10);

    /// <param name="replace">Services in the place of the usual ones: a test's clock, a test's weights.</param>
    public static WebApplication Build(WorkerOptions options, Action<IServiceCollection>? replace = null)
    {
        // No argument of ours goes to the framework's own configuration, and no file or variable changes what the flags say.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        if (options.Device != "cpu")
        {
            // A step's bytes are handled on the thread that reads them: nothing in their way blocks, and a GPU waits for each hop.
            builder.WebHost.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);
        }

        builder.Services.AddRoutingCore();
        builder.Services.AddOptions<WorkerOptions>()
            .Configure(target => (target.Listen, target.Device, target.ExitWithParent) = (options.Listen, options.Device, options.ExitWithParent))
            .Configure(target => (target.Tls, target.Insecure, target.HealthListen) = (options.Tls, options.Insecure, options.HealthListen))
            .ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<WorkerOptions>, WorkerOptionsValidator>().AddSingleton<IValidateOptions<WorkerOptions>, ClearTextValidator>()
            .AddSingleton<IValidateOptions<WorkerOptions>, OwnAddressesValidator>();
        builder.Services.AddSingleton<PeerSecurity>().AddSingleton<TlsEndpoint>().AddSingleton<CallGate>();
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<StageClock>().AddSingleton<DeviceHealth>().AddSingleton<StageLease>();
        builder.Services.AddSingleton<WorkerDevice>().AddSingleton<IWeightSources, WeightSources>().AddSingleton<ShardLoader>();
        builder.Services.AddHostedService<ParentWatch>().AddHostedService<CertificateWatch>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true).AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.None);
        // Not being ready is an answer to whoever asks, no error.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        // The program tells in one line of its own what keeps it from listening.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        AddGrpc(builder.Services);
        builder.WebHost.ConfigureKestrel(kestrel => ConfigureKestrel(kestrel, options));
        replace?.Invoke(builder.Services);

        var app = builder.Build();
        app.UseMiddleware<CallGate>();
        app.MapGrpcService<StageControlService>();
        app.MapGrpcService<StageDataService>();
        app.MapGrpcHealthChecksService();
        return app;
    }

    /// <summary>host:port that the worker really listens on.</summary>
    public static string AddressOf(IHost host) => Addresses(host)[0];

    /// <summary>host:port for probes; null where there is none.</summary>
    public static string? HealthAddressOf(IHost host) => Addresses(host).ElementAtOrDefault(1);

    /// <summary>In the order in which Kestrel was told to listen.</summary>
    private static List<string> Addresses(IHost host) =>
        [.. host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address.Replace("*", "0.0.0.0", StringComparison.Ordinal)).Authority)];

    private static void AddGrpc(IServiceCollection services)
    {
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = StageChannels.MaxDataMessageBytes;
            grpc.MaxSendMessageSize = StageChannels.MaxControlMessageBytes;
        });
        services.AddGrpcHealthChecks(health =>
        {
            health.Services.Map(LivenessCheck.Name, check => check.Tags.Contains(LivenessCheck.Name));
            health.Services.Map(ReadinessCheck.Name, check => check.Tags.Contains(ReadinessCheck.Name));
            health.Services.Map(AvailabilityCheck.Name, check => check.Tags.Contains(AvailabilityCheck.Name));
        })
            .AddCheck<LivenessCheck>(LivenessCheck.Name, tags: [LivenessCheck.Name])
            .AddCheck<ReadinessCheck>(ReadinessCheck.Name, tags: [ReadinessCheck.Name])
            .AddCheck<AvailabilityCheck>(AvailabilityCheck.Name, tags: [AvailabilityCheck.Name]);
        // Who watches learns of a change at the next round; the framework's 30 s are longer than many a lease.
        services.Configure<HealthCheckPublisherOptions>(rounds => (rounds.Delay, rounds.Period) = (TimeSpan.Zero, HealthRound));
    }

    private static void ConfigureKestrel(KestrelServerOptions kestrel, WorkerOptions options)
    {
        // A whole prefill chunk in flight must not stall on the window.
        kestrel.Limits.Http2.InitialStreamWindowSize = 16 * 1024 * 1024;
        kestrel.Limits.Http2.InitialConnectionWindowSize = 32 * 1024 * 1024;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(10);
        kestrel.Limits.MinRequestBodyDataRate = null;
        // Idle connections may stay. Not TimeSpan.MaxValue: Kestrel adds it to its clock, the sum overflows, and every
        // connection without a call is closed at the next heartbeat.
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromDays(365);
        if (ListenAddress.TryParse(options.Listen, out var endPoint))
        {
            kestrel.Listen(endPoint, endpoint =>
            {
                endpoint.Protocols = HttpProtocols.Http2;
                if (options.Tls is not null)
                {
                    kestrel.ApplicationServices.GetRequiredService<TlsEndpoint>().Protect(endpoint);
                }
            });
        }

        if (options.HealthListen is { } health && ListenAddress.TryParse(health, out var healthEndPoint))
        {
            kestrel.Listen(healthEndPoint, endpoint =>
            {
                endpoint.Protocols = HttpProtocols.Http2;
                endpoint.Use(next => connection =>
                {
                    connection.Features.Set(HealthOnly.Mark);
                    return next(connection);
                });
            });
        }
    }
}
