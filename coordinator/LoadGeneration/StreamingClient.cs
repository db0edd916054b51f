using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>Makes one request at a time for each caller, and tells what was seen of it. It never throws for what a server does.</summary>
public sealed class StreamingClient(HttpClient http, LoadTarget target, RequestFields fields, TimeSpan timeout, LoadClock clock)
{
    private const int ReadSize = 16 * 1024;
    private const int LongestMessage = 300;

    private static readonly MediaTypeHeaderValue JsonType = new("application/json");

    public async Task<RequestOutcome> MeasureAsync(LoadPrompt prompt, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        using var body = new ReadOnlyMemoryContent(RequestBody.Write(target, prompt, fields));
        body.Headers.ContentType = JsonType;
        using var request = new HttpRequestMessage(HttpMethod.Post, target.Address) { Content = body };
        using var patience = new CancellationTokenSource(timeout, clock.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        var seen = new StreamObservation(prompt, clock);
        var isStreaming = false;
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                return seen.Outcome(await RefusalAsync(response, either.Token).ConfigureAwait(false));
            }

            isStreaming = true;
            await ReadAsync(response, seen, either.Token).ConfigureAwait(false);
            return seen.Outcome();
        }
        catch (Exception exception) when (cancellationToken.IsCancellationRequested && exception is OperationCanceledException or IOException or HttpRequestException)
        {
            return seen.Outcome(new RequestFailure(FailureKind.Interrupted, null, "interrupted"));
        }
        catch (Exception exception) when (patience.IsCancellationRequested && exception is OperationCanceledException or IOException or HttpRequestException)
        {
            return seen.Outcome(new RequestFailure(FailureKind.Timeout, null, $"not through after {timeout.TotalSeconds:0.###} s"));
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return seen.Outcome(new RequestFailure(isStreaming ? FailureKind.BrokenStream : FailureKind.Unreachable, null, exception.Message));
        }
        catch (JsonException exception)
        {
            return seen.Outcome(new RequestFailure(FailureKind.MalformedEvent, null, exception.Message));
        }
    }

    private static async Task ReadAsync(HttpResponseMessage response, StreamObservation seen, CancellationToken cancellationToken)
    {
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        try
        {
            while (!seen.IsDone)
            {
                var read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    seen.Complete();
                    return;
                }

                seen.Take(buffer.AsSpan(0, read));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<RequestFailure> RefusalAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        var retryAfter = response.Headers.RetryAfter;
        var wait = retryAfter?.Delta ?? (retryAfter?.Date is { } date ? date - clock.TimeProvider.GetUtcNow() : null);
        return new RequestFailure(
            response.StatusCode == HttpStatusCode.TooManyRequests ? FailureKind.Throttled : FailureKind.HttpStatus, (int)response.StatusCode, Message(text), wait?.TotalSeconds);
    }

    /// <summary>The message of the usual envelope, or the beginning of whatever else was sent.</summary>
    private static string Message(string text)
    {
        try
        {
            return CompletionChunk.Read(System.Text.Encoding.UTF8.GetBytes(text)).Error ?? Beginning(text);
        }
        catch (JsonException)
        {
            return Beginning(text);
        }
    }

    private static string Beginning(string text) => (text.Length > LongestMessage ? text[..LongestMessage] : text).ReplaceLineEndings(" ").Trim();
}
