using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Pipeline.StageWorker.Tests.Security;

/// <summary>Keeps what a worker logs.</summary>
internal sealed class WorkerLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyList<string> Lines => [.. _lines];

    public void AddTo(IServiceCollection services) => services.AddSingleton<ILoggerProvider>(this);

    /// <summary>The one line with this text; a worker logs when it has noticed that the peer is gone.</summary>
    public async Task<string> LineAsync(string text)
    {
        await Eventually.HoldsAsync(() => Task.FromResult(Lines.Any(line => line.Contains(text, StringComparison.Ordinal))), $"a line with '{text}' among: {string.Join(" | ", Lines)}");
        return Lines.Single(line => line.Contains(text, StringComparison.Ordinal));
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue(formatter(state, exception));

    public void Dispose()
    {
    }
}
