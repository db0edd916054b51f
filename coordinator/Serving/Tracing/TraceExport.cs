using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Pipeline.Coordinator.Serving.Tracing;

/// <summary>Sends sampled traces to a collector that speaks OTLP over HTTP.</summary>
internal static class TraceExport
{
    private const string Service = "pipeline-coordinator";
    private const string Traces = "v1/traces";

    // A step has a span for each stage and request, so they come in crowds; what is too many is dropped, not waited for.
    private const int QueuedSpans = 16_384;
    private static readonly TimeSpan Gathering = TimeSpan.FromSeconds(1);

    public static void AddTraceExport(this IServiceCollection services, Uri endpoint, double sampleRatio) => services
        .AddSingleton<ExportWatch>()
        .AddOptions<OtlpExporterOptions>().Configure<ExportWatch>((otlp, watch) => otlp.HttpClientFactory = () => new HttpClient(watch, disposeHandler: false))
        .Services.AddOpenTelemetry()
        .ConfigureResource(resource => resource.AddService(Service, serviceVersion: ProgramVersion.Current))
        .WithTracing(tracing => tracing
            .AddSource(PipelineTraces.Name)
            // A client that traces has drawn already; its requests are wanted whole.
            .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(sampleRatio)))
            .AddOtlpExporter(otlp =>
            {
                (otlp.Endpoint, otlp.Protocol) = (TracesAt(endpoint), OtlpExportProtocol.HttpProtobuf);
                (otlp.BatchExportProcessorOptions.MaxQueueSize, otlp.BatchExportProcessorOptions.ScheduledDelayMilliseconds) = (QueuedSpans, (int)Gathering.TotalMilliseconds);
            }));

    /// <summary>A collector is known by its address; the path behind it is the protocol's.</summary>
    private static Uri TracesAt(Uri endpoint) => endpoint.AbsolutePath == "/" ? new Uri(endpoint, Traces) : endpoint;
}
