using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Pipeline.StageWorker.Tests;

/// <summary>What a worker logs goes to the output of the test that started it: shown where the test fails, and nowhere else.</summary>
internal sealed class TestLog : ILoggerProvider, ILogger
{
    private readonly ITestOutputHelper? _output = TestContext.Current.TestOutputHelper;

    public static void InsteadOfTheConsole(IServiceCollection services) => services.AddLogging(logging => logging.ClearProviders().AddProvider(new TestLog()));

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            _output?.WriteLine($"{logLevel}: {formatter(state, exception)}{(exception is null ? "" : $" {exception}")}");
        }
        catch (InvalidOperationException)
        {
            // The test is over before its worker is.
        }
    }

    public void Dispose()
    {
    }
}
