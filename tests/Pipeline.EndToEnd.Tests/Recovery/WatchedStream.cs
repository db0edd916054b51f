using System.Text;
using Pipeline.EndToEnd.Tests.Serving;
using Pipeline.EndToEnd.Tests.Serving.Load;

namespace Pipeline.EndToEnd.Tests.Recovery;

/// <summary>Reads a streamed answer, and does something once some of its frames have come.</summary>
internal static class WatchedStream
{
    public static async Task<CompletionResult> ReadAsync(CoordinatorServer server, CompletionCall call, params (int Frames, Func<Task> Do)[] events)
    {
        using var answer = await call.SendAsync(server.Http, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        var (body, frames, next) = (new StringBuilder(), 0, 0);
        List<Task> happening = [];
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            body.Append(line).Append('\n');
            frames += line.StartsWith("data: ", StringComparison.Ordinal) ? 1 : 0;
            if (next < events.Length && frames >= events[next].Frames)
            {
                happening.Add(events[next++].Do());
            }
        }

        Assert.True(next == events.Length, $"the stream ended after {frames} frames: {body}");
        await Task.WhenAll(happening);
        return CompletionCall.Read(body.ToString());
    }
}
