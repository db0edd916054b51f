using System.Net;
using System.Net.Sockets;

namespace Pipeline.StageWorker.Tests.Sessions;

/// <summary>Passes a connection on until it falls silent: no byte comes through any more, and nobody is told, as when a cable is cut.</summary>
internal sealed class SilentRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _silence = new();
    private readonly List<TcpClient> _clients = [];
    private readonly Task _accepting;

    public SilentRelay(string target)
    {
        _listener.Start();
        _accepting = AcceptAsync(IPEndPoint.Parse(target));
    }

    public string Address => _listener.LocalEndpoint.ToString()!;

    public void FallSilent() => _silence.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _silence.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _clients.ForEach(client => client.Dispose());
        _silence.Dispose();
    }

    private async Task AcceptAsync(IPEndPoint target)
    {
        while (true)
        {
            var from = await _listener.AcceptTcpClientAsync(_silence.Token);
            var to = new TcpClient();
            _clients.AddRange([from, to]);
            await to.ConnectAsync(target, _silence.Token);
            _ = from.GetStream().CopyToAsync(to.GetStream(), _silence.Token);
            _ = to.GetStream().CopyToAsync(from.GetStream(), _silence.Token);
        }
    }
}
