using System.Net;
using System.Net.Sockets;

namespace Pipeline.EndToEnd.Tests.Servers;

/// <summary>Takes connections on a free local port and says the same to everyone, or nothing at all.</summary>
internal sealed class TcpServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    public TcpServer(string? greeting)
    {
        _listener.Start();
        _serving = ServeAsync(greeting);
    }

    public string Address => _listener.LocalEndpoint.ToString()!;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task ServeAsync(string? greeting)
    {
        List<TcpClient> clients = [];
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                clients.Add(client);
                if (greeting is not null)
                {
                    await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(greeting), _stop.Token);
                }
            }
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }
}
