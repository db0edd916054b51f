using System.Net;
using System.Net.Sockets;

namespace Pipeline.EndToEnd.Tests;

/// <summary>Passes connections on to a worker; it can cut the newest of them while all others live, and refuse new ones.</summary>
internal sealed class CuttableRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _target;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<(TcpClient From, TcpClient To)> _connections = [];
    private readonly Task _accepting;

    public CuttableRelay(string target)
    {
        _target = IPEndPoint.Parse(target);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Whoever comes now is sent away.</summary>
    public bool IsClosed { get; set; }

    public string Address => _listener.LocalEndpoint.ToString()!;

    public void CutNewest()
    {
        lock (_lock)
        {
            var (from, to) = _connections[^1];
            from.Dispose();
            to.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listener.Dispose();
        foreach (var (from, to) in _connections)
        {
            from.Dispose();
            to.Dispose();
        }

        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var from = await _listener.AcceptTcpClientAsync(_stop.Token);
            if (IsClosed)
            {
                from.Dispose();
                continue;
            }

            var to = new TcpClient { NoDelay = true };
            from.NoDelay = true;
            await to.ConnectAsync(_target, _stop.Token);
            lock (_lock)
            {
                _connections.Add((from, to));
            }

            _ = PumpAsync(from, to);
            _ = PumpAsync(to, from);
        }
    }

    /// <summary>What ends on one side ends on the other.</summary>
    private async Task PumpAsync(TcpClient from, TcpClient to)
    {
        try
        {
            await from.GetStream().CopyToAsync(to.GetStream(), _stop.Token);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
        {
            // Cut, or closed by one of its ends.
        }
        finally
        {
            from.Dispose();
            to.Dispose();
        }
    }
}
