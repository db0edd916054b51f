using System.CommandLine;
using Pipeline.Coordinator.Certificates;

namespace Pipeline.Coordinator.Cli.Certs;

/// <summary><c>coordinator certs init</c>: an authority, and a certificate for each process.</summary>
internal static class InitCommand
{
    private const int DefaultStages = 4;

    public static Command Create(Terminal terminal, TimeProvider timeProvider)
    {
        var folder = new Argument<string>("dir") { Description = "Folder to write into; made if it is not there", HelpName = "DIR" };
        var stages = new Option<int>("--stages", "-pp") { Description = "Stages to make certificates for", HelpName = "N", CustomParser = Parsers.Integer(1, CertificateSet.MostStages), DefaultValueFactory = _ => DefaultStages };
        var days = CertsOptions.Days("Days until the certificates expire; the authority lasts ten years");
        var hosts = CertsOptions.Hosts($"DNS name or address of a host, for tools that look at these; repeatable, beside {string.Join(", ", CertsOptions.ThisHost)}");
        var force = new Option<bool>("--force") { Description = "Replace what is there, the authority included" };
        var command = new DocumentedCommand("init", "Make an authority, and a certificate for the coordinator and for each stage.")
        {
            Notes =
            [
                "Each process gets a folder with ca.crt, tls.crt and tls.key, as cert-manager's Secrets have them; --tls names it.",
                "For instance stage-worker --listen 0.0.0.0:50051 --tls certs/stage-0, and run --workers gpu0:50051 --tls certs/coordinator.",
                "The folder authority/ holds the key that signs: no process needs it, keep it off the hosts.",
            ],
            Examples =
            [
                "coordinator certs init certs --stages 2",
                "coordinator certs init certs --stages 4 --days 30 --host gpu0.example.org --host 10.1.2.3 --force",
            ],
        };
        command.Add(folder);
        command.Add(stages);
        command.Add(days);
        command.Add(hosts);
        command.Add(force);
        command.Reports(
            terminal,
            parsed => Write(parsed.GetRequiredValue(folder), parsed.GetValue(stages), parsed.GetValue(days), parsed.GetValue(hosts) ?? [], parsed.GetValue(force), timeProvider.GetUtcNow()),
            Print,
            _ => ExitCode.Success);
        return command;
    }

    private static InitReport Write(string folder, int stages, int days, IReadOnlyList<string> hosts, bool force, DateTimeOffset now)
    {
        try
        {
            if (!force && CertificateSet.Existing(folder) is { } file)
            {
                throw new UserErrorException($"{file} is there already; certs renew renews the certificates, --force replaces the whole set, the authority included");
            }

            RequireFolder(folder);
            var lifetime = TimeSpan.FromDays(days);
            IReadOnlyList<string> names = CertsOptions.WithThisHost(hosts);
            return new InitReport(Path.Combine(folder, CertificateSet.AuthorityFolder), CertificateSet.Write(folder, stages, names, lifetime, now), names, now + lifetime);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"cannot write certificates into {folder}: {exception.Message}");
        }
    }

    /// <summary>What the system says of a path that cannot be is about a file that was not found.</summary>
    private static void RequireFolder(string folder)
    {
        try
        {
            CertificateSet.CreateFolder(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"the folder {folder} cannot be created; name one in a place where this user may write");
        }
    }

    private static void Print(InitReport report, Terminal terminal)
    {
        foreach (var folder in report.Folders)
        {
            terminal.Output.WriteLine(folder);
        }

        terminal.Error.WriteLine($"valid until {report.ValidUntil:u} for {string.Join(", ", report.Hosts)}; the key that signs is in {report.Authority}: keep it off the hosts");
        terminal.Error.WriteLine("start each process with --tls and its folder");
    }
}
