using Pipeline.Coordinator.Serving.Answers;
using Pipeline.Shared.Sampling;
using Prometheus;

namespace Pipeline.Coordinator.Serving.Metrics;

/// <summary>What requests meet with: how long they wait, how fast they are answered, how they end.</summary>
internal sealed class RequestMetrics(IMetricFactory metrics, TimeProvider timeProvider)
{
    private readonly Counter _promptTokens = metrics.CreateCounter(ExpositionText.Prefix + "prompt_tokens_total", "Prompt tokens of requests taken.");
    private readonly Counter _generationTokens = metrics.CreateCounter(ExpositionText.Prefix + "generation_tokens_total", "Tokens generated.");
    private readonly Counter _ended = metrics.CreateCounter(ExpositionText.Prefix + "request_success_total", "Answers that came to their end.", ["finished_reason"]);
    private readonly Counter _errors = metrics.CreateCounter("pipeline_error_responses_total", "Answers that are errors.", ["status", "code"]);
    private readonly Counter _slowReaders = metrics.CreateCounter("pipeline_slow_readers_total", "Connections dropped because the client did not read.");
    private readonly Histogram _firstToken = Seconds(metrics, "time_to_first_token_seconds", "From arrival to the first token.", MetricBuckets.FirstToken);
    private readonly Histogram _betweenTokens = Seconds(metrics, "inter_token_latency_seconds", "From one token to the next.", MetricBuckets.BetweenTokens);
    private readonly Histogram _perToken = Seconds(metrics, "request_time_per_output_token_seconds", "Mean time between the tokens of an answer.", MetricBuckets.BetweenTokens);
    private readonly Histogram _wholeRequest = Seconds(metrics, "e2e_request_latency_seconds", "From arrival to the last token.", MetricBuckets.Request);
    private readonly Histogram _queue = Seconds(metrics, "request_queue_time_seconds", "From arrival to the first step.", MetricBuckets.Request);
    private readonly Histogram _prefill = Seconds(metrics, "request_prefill_time_seconds", "From the first step to the first token.", MetricBuckets.Request);
    private readonly Histogram _decode = Seconds(metrics, "request_decode_time_seconds", "From the first to the last token.", MetricBuckets.Request);
    private readonly Histogram _inference = Seconds(metrics, "request_inference_time_seconds", "From the first step to the last token.", MetricBuckets.Request);
    private readonly Histogram _requestPrompt = Tokens(metrics, "request_prompt_tokens", "Prompt tokens of a request.");
    private readonly Histogram _requestGeneration = Tokens(metrics, "request_generation_tokens", "Tokens generated for an answer.");
    private readonly Histogram _requestMaxGeneration = Tokens(metrics, "request_max_num_generation_tokens", "Tokens that an answer was allowed.");

    /// <summary>For one answer that is waited for from now on.</summary>
    public AnswerMeter Begin() => new(this, timeProvider);

    /// <param name="maxTokens">Null if the context alone bounds it.</param>
    public void CountRequest(int promptTokens, int? maxTokens)
    {
        _promptTokens.Inc(promptTokens);
        _requestPrompt.Observe(promptTokens);
        if (maxTokens is { } most)
        {
            _requestMaxGeneration.Observe(most);
        }
    }

    public void CountError(int status, string code) => _errors.WithLabels(status.ToString(System.Globalization.CultureInfo.InvariantCulture), code).Inc();

    public void CountSlowReader() => _slowReaders.Inc();

    public void TakeFirstToken(TimeSpan sinceArrival, TimeSpan waited)
    {
        _generationTokens.Inc();
        _firstToken.Observe(sinceArrival.TotalSeconds);
        _queue.Observe(waited.TotalSeconds);
        _prefill.Observe((sinceArrival - waited).TotalSeconds);
    }

    public void TakeNextToken(TimeSpan sinceLast)
    {
        _generationTokens.Inc();
        _betweenTokens.Observe(sinceLast.TotalSeconds);
    }

    public void TakeEnd(FinishReason reason, int tokens, TimeSpan sinceArrival, TimeSpan waited, TimeSpan decode)
    {
        _ended.WithLabels(FinishReasonNames.Of(reason)).Inc();
        _requestGeneration.Observe(tokens);
        _wholeRequest.Observe(sinceArrival.TotalSeconds);
        _inference.Observe((sinceArrival - waited).TotalSeconds);
        _decode.Observe(decode.TotalSeconds);
        if (tokens > 1)
        {
            _perToken.Observe(decode.TotalSeconds / (tokens - 1));
        }
    }

    private static Histogram Seconds(IMetricFactory metrics, string name, string help, double[] buckets) =>
        metrics.CreateHistogram(ExpositionText.Prefix + name, help, new HistogramConfiguration { Buckets = buckets });

    private static Histogram Tokens(IMetricFactory metrics, string name, string help) => Seconds(metrics, name, help, MetricBuckets.Tokens);
}
