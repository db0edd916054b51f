using System.Text.RegularExpressions;
using Prometheus;

namespace Pipeline.Coordinator.Serving.Metrics;

/// <summary>
/// All metrics as Prometheus reads them. The library refuses the colon that vLLM's names have, though the format allows it: such
/// metrics are registered under <see cref="Prefix"/> and get their true names on the way out.
/// </summary>
internal static partial class ExpositionText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Stands for <c>vllm:</c>.</summary>
    public const string Prefix = "vllm__";

    public static async Task<string> OfAsync(CollectorRegistry registry, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(stream, cancellationToken);
        return Name().Replace(System.Text.Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length), "$1vllm:");
    }

    [GeneratedRegex("^(# HELP |# TYPE |)" + Prefix, RegexOptions.Multiline)]
    private static partial Regex Name();
}
