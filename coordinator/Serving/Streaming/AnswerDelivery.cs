using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pipeline.Coordinator.Generation;
using Pipeline.Coordinator.Serving.Admission;
using Pipeline.Coordinator.Serving.Answers;
using Pipeline.Coordinator.Serving.Errors;
using Pipeline.Coordinator.Serving.Health;
using Pipeline.Coordinator.Serving.Hosting;
using Pipeline.Coordinator.Serving.Metrics;
using Pipeline.Coordinator.Serving.Tracing;
using Pipeline.Shared.Sampling;

namespace Pipeline.Coordinator.Serving.Streaming;

/// <summary>A job's way through the server: admitted, generated, delivered whole or as a stream.</summary>
internal sealed partial class AnswerDelivery(
    Availability availability, AdmissionGate gate, KeyLimits keyLimits, ServerEnd end, ServerOptions options, RequestMetrics metrics, StepTracing tracing, TimeProvider timeProvider, ILogger<AnswerDelivery> logger)
{
    public async Task DeliverAsync(HttpContext context, AnswerJob job)
    {
        var key = Authentication.KeyOf(context);
        keyLimits.Enter(key);
        try
        {
            using var ticket = gate.Enter(job.Requests.Count);
            // Asked again: whoever is inside the gate is waited for at the end, whoever comes later is not let in.
            var pipeline = availability.Require();
            using var stop = new RequestStop(options.RequestTimeout, timeProvider, end.Token, context.RequestAborted);
            var generations = Submit(pipeline, job, stop);
            await (job.Stream ? StreamAsync(context, job, generations, stop) : AnswerAsync(context, job, generations, stop));
        }
        finally
        {
            keyLimits.Leave(key);
        }
    }

    /// <summary>All or none of them, each with its meter.</summary>
    private IReadOnlyList<IAsyncEnumerable<GenerationDelta>> Submit(ServingPipeline pipeline, AnswerJob job, RequestStop stop)
    {
        var traced = tracing.ForCurrentRequest();
        var meters = job.Requests.Select(_ => metrics.Begin()).ToList();
        var generations = pipeline.Generation.GenerateAll([.. job.Requests.Select((request, choice) => request with { OnSubmitted = traced, OnStarted = meters[choice].Start })], stop.Token);
        foreach (var request in job.Requests)
        {
            metrics.CountRequest(request.Prompt.Count, request.MaxTokens);
        }

        return [.. generations.Select((deltas, choice) => MeterAsync(deltas, meters[choice]))];
    }

    private static async IAsyncEnumerable<GenerationDelta> MeterAsync(IAsyncEnumerable<GenerationDelta> deltas, AnswerMeter meter)
    {
        try
        {
            await foreach (var delta in deltas)
            {
                meter.Take(delta);
                yield return delta;
            }
        }
        finally
        {
            meter.End(FinishReason.Cancelled);
        }
    }

    private static async Task AnswerAsync(HttpContext context, AnswerJob job, IReadOnlyList<IAsyncEnumerable<GenerationDelta>> generations, RequestStop stop)
    {
        // All of it is kept until the end, so the only bound is that of the answers themselves.
        var buffer = new DeltaBuffer(generations.Count, long.MaxValue);
        try
        {
            await Task.WhenAll(generations.Select((deltas, choice) => PumpAsync(deltas, choice, buffer)));
        }
        catch (Exception failure)
        {
            throw stop.Explain(failure);
        }

        var answers = buffer.Take();
        var usage = new UsageTally(job);
        foreach (var answer in answers)
        {
            usage.Add(answer);
        }

        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(job.Format.Whole(answers, usage.Usage), context.RequestAborted);
    }

    private async Task StreamAsync(HttpContext context, AnswerJob job, IReadOnlyList<IAsyncEnumerable<GenerationDelta>> generations, RequestStop stop)
    {
        var buffer = new DeltaBuffer(generations.Count, options.MaxBufferedBytes);
        var pumping = Task.WhenAll(generations.Select((deltas, choice) => PumpToReaderAsync(context, deltas, choice, buffer, stop)));
        var events = new EventStream(context.Response);
        try
        {
            events.Begin();
            await new AnswerStream(events, job, buffer, options.KeepAlive, timeProvider).WriteAllAsync(context.RequestAborted);
        }
        catch (Exception failure) when (!context.RequestAborted.IsCancellationRequested)
        {
            // The status is sent; an event is the only way left to tell.
            events.Write(ErrorResponses.Document(Failures.Describe(stop.Explain(failure))));
        }
        finally
        {
            stop.End();
            await pumping;
        }

        events.WriteDone();
        await events.FlushAsync(context.RequestAborted);
    }

    private async Task PumpToReaderAsync(HttpContext context, IAsyncEnumerable<GenerationDelta> deltas, int choice, DeltaBuffer buffer, RequestStop stop)
    {
        try
        {
            await PumpAsync(deltas, choice, buffer);
        }
        catch (SlowReaderException)
        {
            // Once for the request, not for each of its answers.
            if (!stop.Token.IsCancellationRequested)
            {
                stop.End();
                metrics.CountSlowReader();
                LogSlowReader(context.TraceIdentifier, options.MaxBufferedBytes);
            }

            context.Abort();
        }
#pragma warning disable CA1031 // the reader of the buffer decides what becomes of it
        catch (Exception failure)
#pragma warning restore CA1031
        {
            buffer.Fail(failure);
        }
    }

    private static async Task PumpAsync(IAsyncEnumerable<GenerationDelta> deltas, int choice, DeltaBuffer buffer)
    {
        await foreach (var delta in deltas)
        {
            if (!buffer.TryAdd(choice, delta))
            {
                throw new SlowReaderException();
            }
        }
    }

    [LoggerMessage(2, LogLevel.Warning, "request {RequestId}: the client does not read, {Limit} bytes wait for it; its connection is dropped")]
    private partial void LogSlowReader(string requestId, long limit);
}
