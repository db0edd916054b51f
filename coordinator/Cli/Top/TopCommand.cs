using System.CommandLine;
using System.CommandLine.Parsing;

namespace Pipeline.Coordinator.Cli.Top;

/// <summary><c>coordinator top</c>: watch the pipeline of a running server.</summary>
internal static class TopCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static Command Create(Terminal terminal)
    {
        var url = new Option<Uri>("--url")
        {
            Description = "Where coordinator serve listens",
            HelpName = "URL",
            CustomParser = ParseUrl,
            DefaultValueFactory = _ => new Uri("http://127.0.0.1:8000/"),
        };
        var once = new Option<bool>("--once") { Description = "Show one picture and end; so it is also where the output is no terminal" };
        var interval = new Option<int>("--interval")
        {
            Description = "Time between two pictures",
            HelpName = "MILLISECONDS",
            CustomParser = Parsers.Integer(minimum: 50, maximum: 60_000),
            DefaultValueFactory = _ => 500,
        };
        var command = new DocumentedCommand("top", "Watch a running server: which stage is busy, where the bubble is, what waits.")
        {
            Notes = ["The same picture is on the server's own page, at the root of its address."],
            Examples = ["coordinator top", "coordinator top --url http://gpu0:8000 --once"],
        };
        command.Add(url);
        command.Add(once);
        command.Add(interval);
        command.Runs(async (parsed, cancellationToken) =>
        {
            using var client = new HttpClient { Timeout = Patience };
            var session = new TopSession(terminal, client, TimeProvider.System);
            var server = parsed.GetRequiredValue(url);
            if (parsed.GetValue(once) || !terminal.AnimatesOutput)
            {
                await session.ShowOnceAsync(server, cancellationToken);
            }
            else
            {
                await session.FollowAsync(server, TimeSpan.FromMilliseconds(parsed.GetValue(interval)), cancellationToken);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Uri? ParseUrl(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
        {
            return url.AbsolutePath.EndsWith('/') ? url : new Uri(url + "/");
        }

        result.AddError($"--url wants something like http://127.0.0.1:8000, got '{text}'");
        return null;
    }
}
