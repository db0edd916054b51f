using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Pipeline.Coordinator.Tests.Cli.Bench.Serve;

/// <summary>
/// A server on a real socket of this host that answers with what a script gives: a whole HTTP response as text, after which it
/// closes the connection. Where the text breaks off, so does the stream.
/// </summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly List<Task> _connections = [];
    private readonly Func<string, string, string> _answer;
    private readonly Task _accepting;

    /// <param name="answer">From the head and the body of a request to the response.</param>
    public LoopbackServer(Func<string, string, string> answer)
    {
        _answer = answer;
        _listener.Start();
        Address = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _accepting = AcceptAsync();
    }

    public string Address { get; }

    public static string Json(string body, string status = "200 OK", string headers = "") =>
        $"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n{headers}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}";

    /// <summary>Ends with the connection, unless more bytes are promised than given.</summary>
    public static string Events(string events, int missing = 0) =>
        $"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\nContent-Length: {Encoding.UTF8.GetByteCount(events) + missing}\r\n\r\n{events}";

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _accepting;
        _listener.Stop();
        await Task.WhenAll(_connections);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _connections.Add(AnswerAsync(await _listener.AcceptTcpClientAsync(_end.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using var _ = client;
        try
        {
            await using var stream = client.GetStream();
            var (head, body) = await ReadAsync(stream);
            if (head.Length > 0)
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(_answer(head, body)), _end.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The client was interrupted, or the test is over.
        }
    }

    private async Task<(string Head, string Body)> ReadAsync(NetworkStream stream)
    {
        var text = "";
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var read = await stream.ReadAsync(buffer, _end.Token);
            text += Encoding.Latin1.GetString(buffer, 0, read);
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (read == 0 || (end >= 0 && text.Length - end - 4 >= ContentLength(text[..end])))
            {
                return end < 0 ? ("", "") : (text[..end], text[(end + 4)..]);
            }
        }
    }

    private static int ContentLength(string head) => head.Split("\r\n")
        .Where(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
        .Select(line => int.Parse(line[15..], System.Globalization.CultureInfo.InvariantCulture))
        .FirstOrDefault();
}
