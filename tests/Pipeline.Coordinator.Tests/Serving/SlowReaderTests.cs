using System.Net.Sockets;
using System.Text;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>A client that asks and does not read, as the network shows it: a socket whose buffers fill.</summary>
public class SlowReaderTests
{
    [Fact]
    public async Task ClientThatDoesNotRead_IsDropped_AndHoldsUpNobody()
    {
        await using var server = await ServerUnderTest.StartAsync(ServerUnderTest.Options with { MaxBufferedBytes = 20_000, MaxSequences = 8 }, [400]);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync("127.0.0.1", server.Http.BaseAddress!.Port, TestContext.Current.CancellationToken);
        // Enough to fill the buffers of both systems and the server's own: 8 x 250 tokens with 20 alternatives each.
        const string Body = """{"prompt":[1],"max_tokens":250,"n":8,"stream":true,"logprobs":20}""";
        for (var request = 0; request < 8; request++)
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes($"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {Body.Length}\r\n\r\n{Body}"), TestContext.Current.CancellationToken);
        }

        var answer = await server.AskAsync("/v1/completions", new { prompt = "x", max_tokens = 20, n = 1 });

        Assert.Equal(20, answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        await Eventually.HoldsAsync(() => server.MetricsAsync().GetAwaiter().GetResult().Contains("pipeline_slow_readers_total{model_name=\"scripted\",engine=\"0\"} ", StringComparison.Ordinal));
        await Eventually.HoldsAsync(() => server.Server.Gate.Active == 0 && server.Loop.IsIdle && server.Stage.Live == 0);
        Assert.DoesNotContain("pipeline_slow_readers_total{model_name=\"scripted\",engine=\"0\"} 0", await server.MetricsAsync(), StringComparison.Ordinal);
    }
}
