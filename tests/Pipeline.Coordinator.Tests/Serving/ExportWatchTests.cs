using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Pipeline.Coordinator.Serving.Tracing;

namespace Pipeline.Coordinator.Tests.Serving;

/// <summary>Traces that do not arrive are told of, once.</summary>
public class ExportWatchTests
{
    [Fact]
    public async Task NobodyListens_IsToldOnce()
    {
        var log = new WarningLog();
        using var http = new HttpClient(new ExportWatch(log));
        var nowhere = new Uri($"http://127.0.0.1:{FreePort()}/v1/traces");

        await Assert.ThrowsAsync<HttpRequestException>(() => http.PostAsync(nowhere, null, TestContext.Current.CancellationToken));
        Assert.Throws<HttpRequestException>(() => http.Send(new HttpRequestMessage(HttpMethod.Post, nowhere), TestContext.Current.CancellationToken));

        Assert.StartsWith($"traces do not reach the collector at {nowhere} and are dropped: Connection refused", Assert.Single(log.Messages), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refused_IsTold()
    {
        await using var server = await ServerUnderTest.SayingAsync("Hello");
        var log = new WarningLog();
        using var http = new HttpClient(new ExportWatch(log));

        await http.PostAsync(new Uri(server.Http.BaseAddress!, "/v1/traces"), null, TestContext.Current.CancellationToken);

        Assert.Contains("it answers 404", Assert.Single(log.Messages), StringComparison.Ordinal);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class WarningLog : ILogger<ExportWatch>
    {
        public List<string> Messages { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Messages.Add(formatter(state, exception));
    }
}
