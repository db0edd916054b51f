using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Pipeline.Coordinator.Hosting;
using Pipeline.Coordinator.Serving.Admission;
using Pipeline.Coordinator.Serving.Answers;
using Pipeline.Coordinator.Serving.Descriptions;
using Pipeline.Coordinator.Serving.Endpoints;
using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Coordinator.Serving.Health;
using Pipeline.Coordinator.Serving.Live;
using Pipeline.Coordinator.Serving.Metrics;
using Pipeline.Coordinator.Serving.OpenAI;
using Pipeline.Coordinator.Serving.Page;
using Pipeline.Coordinator.Serving.Streaming;
using Pipeline.Coordinator.Serving.Tracing;
using Prometheus;

namespace Pipeline.Coordinator.Serving.Hosting;

/// <summary>
/// The host of web server and pipeline. The web server starts first, so that who asks while the model is loading is told so, and
/// a port that is taken is known before anything is loaded.
/// </summary>
internal sealed class HttpServer : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    // Slow readers are bounded by what is kept for them; this is for those that do not read at all.
    private static readonly MinDataRate LeastReading = new(bytesPerSecond: 16, gracePeriod: TimeSpan.FromSeconds(60));

    private readonly IHost _host;

    private HttpServer(IHost host) => _host = host;

    public Availability Availability => _host.Services.GetRequiredService<Availability>();

    public AdmissionGate Gate => _host.Services.GetRequiredService<AdmissionGate>();

    public ServerEnd End => _host.Services.GetRequiredService<ServerEnd>();

    public IServiceProvider Services => _host.Services;

    /// <param name="addPipeline">Adds what has to start behind the web server, and an <see cref="Availability"/>'s pipeline in the end.</param>
    public static HttpServer Build(ServerOptions options, ServedModel model, IPAddress address, Action<IServiceCollection> addPipeline) => new(
        new HostBuilder()
            .ConfigureLogging(ConfigureLogging)
            .ConfigureServices(services => AddServing(services.AddSingleton(model), options))
            .ConfigureWebHost(web => ConfigureWeb(web, options, address), web => web.SuppressEnvironmentConfiguration = true)
            .ConfigureServices(addPipeline)
            .ConfigureServices(services => services.AddHostedService<Canary>())
            .Build());

    public Task StartAsync(CancellationToken cancellationToken) => _host.StartAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        using (var patience = new CancellationTokenSource(StopPatience))
        {
            await _host.StopAsync(patience.Token);
        }

        await ((IAsyncDisposable)_host).DisposeAsync();
    }

    private static void ConfigureLogging(ILoggingBuilder logging)
    {
        // A start that fails is told by the command, in one line.
        logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        logging.AddSimpleConsole(console => console.SingleLine = true);
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }

    private static void AddServing(IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton(options);
        services.Replace(ServiceDescriptor.Singleton<IHostLifetime, CommandLifetime>());
        services.AddSingleton(provider => new AdmissionGate(
            provider.GetRequiredService<ServerOptions>().MaxSequences, provider.GetRequiredService<ServerOptions>().MaxQueue, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new ApiKeys(provider.GetRequiredService<ServerOptions>().ApiKeys));
        services.AddSingleton(provider => new KeyLimits(provider.GetRequiredService<ServerOptions>().MaxConcurrentPerKey));
        services.AddSingleton(BodyBudget.For(options.MaxRequestBytes)).AddSingleton<RequestBodies>();
        services.AddSingleton<Availability>().AddSingleton<Readiness>().AddSingleton<ServerEnd>();
        services.AddSingleton(new RandomIds(() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)))));
        services.AddSingleton(provider => RegistryFor(provider.GetRequiredService<ServedModel>()));
        services.AddSingleton<IMetricFactory>(provider => Prometheus.Metrics.WithCustomRegistry(provider.GetRequiredService<CollectorRegistry>()));
        services.AddSingleton<RequestMetrics>().AddSingleton<StageMetrics>().AddSingleton<MetricsEndpoint>();
        services.AddSingleton<StepTracing>();
        if (options.OtlpEndpoint is { } endpoint)
        {
            services.AddTraceExport(endpoint, options.TraceSampleRatio);
        }

        services.AddSingleton<LiveView>().AddSingleton<LiveEndpoints>();
        services.AddSingleton<AnswerJobs>().AddSingleton<AnswerDelivery>();
        services.AddSingleton<CompletionEndpoints>().AddSingleton<ModelEndpoints>().AddSingleton<TokenizationEndpoints>().AddSingleton<HealthEndpoints>();
    }

    private static CollectorRegistry RegistryFor(ServedModel model)
    {
        var registry = Prometheus.Metrics.NewCustomRegistry();
        registry.SetStaticLabels(new Dictionary<string, string> { ["model_name"] = model.Names[0], ["engine"] = "0" });
        return registry;
    }

    /// <summary>Clients of all kinds come here, older ones too; TLS 1.2 is the oldest that is still sound.</summary>
    private static SslServerAuthenticationOptions Tls(SslStreamCertificateContext certificate) => new()
    {
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ServerCertificateContext = certificate,
    };

    private static void ConfigureWeb(IWebHostBuilder web, ServerOptions options, IPAddress address)
    {
        web.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxRequestBytes;
            kestrel.Limits.MinResponseDataRate = LeastReading;
            kestrel.Listen(address, options.Port, endpoint =>
            {
                if (options.Certificate is { } certificate)
                {
                    endpoint.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(Tls(certificate())) });
                }
            });
        });
        web.ConfigureServices(services => services.AddRouting()
            .ConfigureHttpJsonOptions(json => (json.SerializerOptions.TypeInfoResolver, json.SerializerOptions.PropertyNamingPolicy) = (JsonTypeInfoResolver.Combine(WireJson.Plain, new DefaultJsonTypeInfoResolver()), JsonNamingPolicy.SnakeCaseLower))
            .AddOpenApi(document => document.AddOperationTransformer<RequestShapes>().AddDocumentTransformer<ProductInfo>()));
        web.Configure(app => app
            .UseMiddleware<RequestIdentity>()
            .UseMiddleware<RequestTracing>()
            .UseMiddleware<ErrorHandling>()
            .UseMiddleware<Authentication>()
            .UseRouting()
            .UseEndpoints(routes =>
            {
                var services = app.ApplicationServices;
                services.GetRequiredService<CompletionEndpoints>().Map(routes);
                services.GetRequiredService<ModelEndpoints>().Map(routes);
                services.GetRequiredService<TokenizationEndpoints>().Map(routes);
                services.GetRequiredService<HealthEndpoints>().Map(routes);
                services.GetRequiredService<MetricsEndpoint>().Map(routes);
                services.GetRequiredService<LiveEndpoints>().Map(routes);
                PageEndpoints.Map(routes);
                routes.MapOpenApi();
            }));
    }
}
