using System.Net;
using System.Security.Authentication;
using System.Text.Json;
using Pipeline.Coordinator.Observation;
using Pipeline.Coordinator.Serving.Live;

namespace Pipeline.Coordinator.Cli.Top;

/// <summary>Asks a server again and again what its pipeline does, and shows it.</summary>
internal sealed class TopSession(Terminal terminal, HttpClient client, TimeProvider timeProvider)
{
    private static readonly TimeSpan TimeBetweenLooks = TimeSpan.FromMilliseconds(500);

    private const string Home = "\x1b[H";
    private const string ClearLine = "\x1b[K";
    private const string ClearBelow = "\x1b[J";
    private const string Begin = "\x1b[?25l\x1b[2J";
    private const string End = "\x1b[?25h";

    /// <summary>One picture. Rates are known from the second look on.</summary>
    public async Task ShowOnceAsync(Uri server, CancellationToken cancellationToken)
    {
        await AskAsync(server, cancellationToken);
        await Task.Delay(TimeBetweenLooks, timeProvider, cancellationToken);
        foreach (var line in TopScreen.Draw(await AskAsync(server, cancellationToken), AddressOf(server), terminal.Width))
        {
            terminal.Output.WriteLine(line);
        }
    }

    /// <summary>A picture that changes, until somebody has seen enough. A server that is not there at first is an error; one that goes away is waited for.</summary>
    public async Task FollowAsync(Uri server, TimeSpan interval, CancellationToken cancellationToken)
    {
        var lines = TopScreen.Draw(await AskAsync(server, cancellationToken), AddressOf(server), terminal.Width);
        terminal.Output.Write(Begin);
        try
        {
            while (true)
            {
                terminal.Output.Write(Home + string.Concat(lines.Select(line => line + ClearLine + "\n")) + ClearBelow);
                terminal.Output.Flush();
                await Task.Delay(interval, timeProvider, cancellationToken);
                lines = await LookAsync(server, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Seen enough.
        }
        finally
        {
            terminal.Output.Write(End);
        }
    }

    private async Task<IReadOnlyList<string>> LookAsync(Uri server, CancellationToken cancellationToken)
    {
        try
        {
            return TopScreen.Draw(await AskAsync(server, cancellationToken), AddressOf(server), terminal.Width);
        }
        catch (UserErrorException exception)
        {
            return [$"{exception.Message}; trying again"];
        }
    }

    private async Task<PipelineView> AskAsync(Uri server, CancellationToken cancellationToken)
    {
        var address = AddressOf(server);
        try
        {
            using var answer = await client.GetAsync(new Uri(server, "pipeline"), cancellationToken);
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                throw new UserErrorException($"{address} answers {(int)answer.StatusCode}: it is no server of coordinator serve");
            }

            await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
            return await JsonSerializer.DeserializeAsync(body, LiveJson.Default.PipelineView, cancellationToken) ?? throw new JsonException();
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            // What is wrong with a certificate is told inside only.
            var reason = exception.InnerException as AuthenticationException ?? exception;
            throw new UserErrorException($"no server answers at {address}: {reason.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new UserErrorException($"{address} takes connections but does not answer within {client.Timeout.TotalSeconds:0.#} s");
        }
        catch (JsonException)
        {
            throw new UserErrorException($"{address} answers something else: it is no server of coordinator serve");
        }
    }

    private static string AddressOf(Uri server) => server.GetLeftPart(UriPartial.Authority);
}
